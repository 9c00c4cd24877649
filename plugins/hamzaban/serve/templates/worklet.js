// Gathers samples of the microphone and sends them to the page.
class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.buffer = new Float32Array(4096);
    this.size = 0;
  }

  process(inputs) {
    const channel = inputs[0][0];
    if (!channel) return true;
    this.buffer.set(channel, this.size);
    this.size += channel.length;
    if (this.size + channel.length > this.buffer.length) {
      this.port.postMessage(this.buffer.slice(0, this.size));
      this.size = 0;
    }
    return true;
  }
}
registerProcessor("tap", Tap);
