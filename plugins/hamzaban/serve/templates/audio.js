// The microphone: samples go to the service while they are spoken, and stay for playing.

const MIC_ERRORS = {
  NotAllowedError: "The browser does not let this page use the microphone. Allow it in the address bar, then record again.",
  NotFoundError: "No microphone was found. Connect one, or choose a file.",
  NotReadableError: "Another program uses the microphone. Close it, then record again.",
};

function toInt16(samples) {
  const found = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i += 1) {
    found[i] = Math.round(Math.max(-1, Math.min(1, samples[i])) * 32767);
  }
  return found;
}

// A WAV file of 16-bit mono samples.
function makeWav(pieces, rate) {
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const write = (at, text) => [...text].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
  write(0, "RIFF"); head.setUint32(4, 36 + size, true); write(8, "WAVEfmt ");
  head.setUint32(16, 16, true); head.setUint16(20, 1, true); head.setUint16(22, 1, true);
  head.setUint32(24, rate, true); head.setUint32(28, 2 * rate, true);
  head.setUint16(32, 2, true); head.setUint16(34, 16, true);
  write(36, "data"); head.setUint32(40, size, true);
  return new Blob([head, ...pieces], { type: "audio/wav" });
}

// Record until `stop`. Calls `heard` with each message of the service.
async function startRecording(worklet, formats, heard) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers record only on this machine (127.0.0.1) or over https. Choose a file.");
  }
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } })
    .catch((error) => { throw new Error(MIC_ERRORS[error.name] || `The microphone failed: ${error.message}`); });
  const context = new AudioContext();
  const address = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
  const pieces = [];
  let socket = null;
  const close = () => {
    microphone.getTracks().forEach((track) => track.stop());
    if (context.state !== "closed") context.close();
    URL.revokeObjectURL(address);
  };
  try {
    await context.audioWorklet.addModule(address);
    const rate = Math.round(context.sampleRate);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = new URLSearchParams({ rate, sample_format: "s16le", format: formats.join(",") });
    socket = new WebSocket(`${scheme}://${location.host}/live?${query}`);
    socket.binaryType = "arraybuffer";
    const done = new Promise((resolve, reject) => {
      let last = null;
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.error) reject(new Error(message.error));
        else if (message.result) last = message.result;
        else if (message.final) heard(message);
      };
      socket.onclose = () => {
        close();
        if (last) resolve(last);
        else reject(new Error("The service ended the recording. It may be busy: try again later."));
      };
    });
    done.catch(() => {});
    const ready = new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      done.catch(reject);
    });
    const tap = new AudioWorkletNode(context, "tap");
    let sent = 0;
    const flush = () => {
      if (socket.readyState !== WebSocket.OPEN) return;
      while (sent < pieces.length) socket.send(pieces[sent++]);
    };
    tap.port.onmessage = ({ data }) => {
      pieces.push(toInt16(data));
      flush();
    };
    context.createMediaStreamSource(microphone).connect(tap);
    await ready;
    return {
      done,
      seconds: () => pieces.reduce((sum, piece) => sum + piece.length, 0) / rate,
      wav: () => makeWav(pieces, rate),
      stop: () => {
        close();
        flush();
        if (socket.readyState === WebSocket.OPEN) socket.send("end");
      },
      cancel: () => { close(); socket.close(); },
    };
  } catch (error) {
    close();
    if (socket) socket.close();
    throw error;
  }
}
