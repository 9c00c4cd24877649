"""A real server process and its clients, good and hostile."""

import contextlib
import json
import os
import signal
import socket
import struct
import threading

import numpy as np
import pytest
import soxr
import websockets.sync.client
from mine_media import FS, read_speech, write_media
from serve_loud import Server, error_of, make_form, wait_until
from test_transcribe_run import build

from hamzaban.bin.serve import main as serve
from hamzaban.serve import server as serving
from hamzaban.serve.guard import check_origin
from hamzaban.transcribe.cues import CueOptions
from hamzaban.transcribe.formats import FORMATS, format_transcript
from hamzaban.transcribe.live import Listener

pytestmark = pytest.mark.slow

EVENTS = {"Accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def speech():
    return read_speech("spk01", 12.0, gap_s=1.0)


@pytest.fixture(scope="module")
def media(speech, tmp_path_factory):
    """Files of the same speech by suffix."""
    folder = tmp_path_factory.mktemp("media")
    return {
        suffix: write_media(folder / f"talk.{suffix}", speech)
        for suffix in ("flac", "mp3", "webm", "wav")
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server") / "one") as found:
        yield found


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server with low limits."""
    options = {
        "max_upload_mb": 0.3,
        "max_audio_s": 30,
        "max_upload_s": 1,
        "max_parallel": 1,
        "max_queue": 1,
        "max_live": 1,
        "max_live_s": 5,
        "max_idle_s": 1,
        "max_connections": 6,
        "max_head_s": 1,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    folder = tmp_path_factory.mktemp("small") / "two"
    with Server(folder, *words, "--allow_host", "asr.example.org") as found:
        yield found


def open_live(server, query="", **options):
    address = f"ws://127.0.0.1:{server.port}/live?{query}"
    return websockets.sync.client.connect(address, open_timeout=60, **options)


def to_pcm(speech):
    return (speech * 32767).round().astype("<i2").tobytes()


def listen(connection, data, block=9_999):
    """Send samples and return all messages up to the close."""
    found = []
    reading = threading.Thread(target=lambda: found.extend(map(json.loads, connection)))
    reading.start()
    for start in range(0, len(data), block):
        connection.send(data[start : start + block])
    connection.send("end")
    reading.join()
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_file_comes_back_in_the_formats_of_transcribe(form, server, media):
    found = build().transcribe(media["flac"])
    status, headers, text = server.post(media["flac"].read_bytes(), f"?format={form}")
    assert status == 200
    assert headers["X-Faults"] == "0"
    wanted = "".join(format_transcript(found, form, CueOptions()))
    assert text == wanted.replace(str(media["flac"]), "audio").replace("talk", "audio")
    assert text


def test_several_formats_come_in_one_answer(server, media):
    _, _, text = server.post(media["webm"].read_bytes(), "?format=json,srt,txt")
    found = json.loads(text)
    assert list(found) == ["json", "srt", "txt"]
    assert json.loads(found["json"])["text"] == found["txt"].rstrip("\n")


def test_progress_and_words_come_while_a_file_is_heard(server, media):
    data = media["mp3"].read_bytes()
    status, headers, text = server.post(data, "?format=json", **EVENTS)
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    events = [json.loads(line) for line in text.splitlines()]
    assert events[0] == {"state": "waiting"}
    last = json.loads(events[-1]["result"]["json"])
    assert [e["segment"] for e in events if "segment" in e] == last["segments"]
    done = [event["done_s"] for event in events if "done_s" in event]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(last["duration_s"], abs=0.02)
    refused = server.post(b"no audio at all", **EVENTS)[2].splitlines()
    assert json.loads(refused[-1])["status"] == 415


def make_wav(num_bytes, data=b"\0" * 3200):
    head = struct.pack(
        "<4sI4s4sIHHIIHH",
        b"RIFF",
        36 + num_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        FS,
        2 * FS,
        2,
        16,
    )
    return head + struct.pack("<4sI", b"data", num_bytes) + data


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (b"plain text " * 100, 415, "no audio that can be read"),
        (b"", 422, "the file is empty"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415, "no audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 415, "no audio"),
        (make_wav(0, b""), 422, ""),
        (b"RIFF" + b"\xff" * 2000, 415, "no audio"),
    ],
)
def test_files_without_audio_are_refused_in_one_line(data, status, message, server):
    found = error_of(server.post(data))
    assert found[0] == status
    assert message in found[1]
    assert "/dev/fd" not in found[1]
    assert "passwd" not in found[1]


def test_damaged_file_gives_its_words_and_says_what_is_missing(server, media):
    whole = media["wav"].read_bytes()
    status, headers, text = server.post(whole[: len(whole) // 2])
    assert status == 200
    assert headers["X-Faults"] == "1"
    assert "truncated" in json.loads(text)["faults"][0]


def test_requests_of_another_form_are_refused(server, media):
    data = media["flac"].read_bytes()
    assert error_of(server.ask("POST", "/transcribe", data, {}))[0] == 415
    assert error_of(server.post(data, "?format=doc")) == (
        400,
        f"unknown format; known: {', '.join(FORMATS)}",
    )
    assert "no file in field 'file'" in error_of(server.post(data, field="other"))[1]
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert error_of(server.ask("POST", "/transcribe", b"rubbish", form))[0] == 400
    form = {"Content-Type": "multipart/form-data"}
    assert error_of(server.ask("POST", "/transcribe", b"rubbish", form))[0] == 400
    assert error_of(server.get("/transcribe"))[0] == 405
    assert error_of(server.get("/../../etc/passwd"))[0] == 404


def test_large_files_are_refused_before_or_while_they_arrive(small):
    _, kind = make_form(b"")
    stated = {**kind, "Content-Length": str(10**12)}
    connection = small.connect()
    connection.putrequest("POST", "/transcribe")
    for name, value in stated.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert "more than 0.3 MB" in response.read().decode()
    body, kind = make_form(b"\0" * 350_000)
    pieces = (body[start : start + 4096] for start in range(0, len(body), 4096))
    connection = small.connect()
    connection.request("POST", "/transcribe", pieces, kind, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_long_recordings_are_refused_whether_stated_or_not(small, tmp_path):
    status, headers, _ = small.post(make_wav(10**9))  # states hours, holds 0.1 s
    assert status == 413 or headers["X-Faults"] == "1"
    silence = np.zeros(60 * FS, np.float32)
    long = write_media(tmp_path / "long.flac", silence).read_bytes()
    assert len(long) < 300_000
    status, message = error_of(small.post(long))
    assert status == 413
    assert message == "60 s of audio found, at most 30 s are accepted"
    unstated = write_media(tmp_path / "long.mp3", silence[: 40 * FS], bit_rate=32000)
    assert error_of(small.post(unstated.read_bytes()))[0] == 413


def test_slow_upload_is_ended(small):
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as stream:
        head = (
            "POST /transcribe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n"
        )
        head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        stream.sendall(head.encode())
        answer = read_all(stream)
    assert b" 408 " in answer
    assert b"did not arrive in 1 s" in answer


def test_connections_that_send_no_request_make_room_for_others(small):
    address = ("127.0.0.1", small.port)
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(address)) for _ in range(8)
        ]
        for stream in idle[::2]:
            stream.sendall(b"GET /health HTTP/1.1\r\nHost: 127.")
        for stream in idle:
            assert read_all(stream) == b""
    assert small.get("/health")[0] == 200
    with small_upload(small) as stream:  # a refused body that never ends
        answer = read_all(stream)
        assert b" 413 " in answer


@contextlib.contextmanager
def small_upload(server):
    """Send the head of a request that is too large, and some of its body."""
    with socket.create_connection(("127.0.0.1", server.port)) as stream:
        head = "POST /transcribe HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        head += "Content-Length: 99999999\r\n"
        head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        stream.sendall(head.encode())
        yield stream


def read_all(stream):
    """Return all that a server sends until it closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := stream.recv(65536):
            found += data
    return found


def test_more_work_than_fits_is_sent_away_and_the_rest_done(small, media):
    data = media["mp3"].read_bytes()
    small.hold.touch()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(small.post(data)))
        for _ in range(2)
    ]
    for number, thread in enumerate(threads):
        thread.start()
        name = ("files_running", "files_waiting")[number]
        wait_until(lambda name=name: small.metric(name) == 1)
    status, headers, _ = small.post(data)
    assert status == 503
    assert int(headers["Retry-After"]) > 0
    assert small.get("/health")[0] == 200  # the loop is free while the model works
    small.hold.unlink()
    for thread in threads:
        thread.join()
    assert [status for status, *_ in answers] == [200, 200]
    assert small.metric("files_running") == small.metric("files_waiting") == 0


@pytest.mark.parametrize("headers", [{}, EVENTS], ids=["plain", "events"])
def test_work_of_a_client_that_left_is_stopped(headers, small, media):
    body, kind = make_form(media["mp3"].read_bytes())
    small.hold.touch()
    connection = small.connect()
    connection.request("POST", "/transcribe", body, {**kind, **headers})
    wait_until(lambda: small.metric("files_running") == 1)
    before = small.metric('audio_seconds_total{kind="file"}')
    connection.close()
    small.hold.unlink()
    wait_until(lambda: small.metric("files_running") == 0)
    assert small.post(media["mp3"].read_bytes())[0] == 200
    after = small.metric('audio_seconds_total{kind="file"}')
    assert after - before <= 2 * 12.5
    assert small.temporary_files() == []


def test_signal_lets_work_be_completed_and_leaves_nothing(media, tmp_path):
    answers = []
    with Server(tmp_path / "server") as server:
        server.hold.touch()
        data = media["mp3"].read_bytes()
        thread = threading.Thread(target=lambda: answers.append(server.post(data)))
        thread.start()
        wait_until(lambda: server.metric("files_running") == 1)
        server.process.send_signal(signal.SIGTERM)
        server.hold.unlink()
        thread.join()
        assert server.process.wait(60) == 0
        assert answers[0][0] == 200
        assert "the service has ended" in server.log()
        assert server.temporary_files() == []
        assert "Traceback" not in server.log()


def test_killed_server_leaves_no_upload(media, tmp_path):
    with Server(tmp_path / "server") as server:
        server.hold.touch()
        body, kind = make_form(media["wav"].read_bytes() * 10)
        connection = server.connect()
        connection.request("POST", "/transcribe", body, kind)
        wait_until(lambda: server.metric("files_running") == 1)
        server.process.kill()
        server.process.wait()
        assert server.temporary_files() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "asr.example.org"}, 200),
        ({"Host": "evil.example"}, 421),  # DNS rebinding
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
    ],
)
def test_pages_of_other_sites_cannot_use_the_service(headers, status, small):
    assert small.get("/health", **headers)[0] == status


def test_origin_has_to_be_this_service_with_its_port():
    host = {"host": "127.0.0.1:8000"}
    same, other = "http://127.0.0.1:8000", "http://127.0.0.1:9999"
    assert check_origin({**host, "origin": same}, ()) is None
    assert check_origin({**host, "origin": other}, ()).status == 403
    assert check_origin({}, ()).status == 421


def test_websocket_of_another_site_is_refused(server):
    with pytest.raises(websockets.exceptions.InvalidStatus) as info:
        open_live(server, origin="http://evil.example")
    assert info.value.response.status_code == 403
    with open_live(server, origin=f"http://127.0.0.1:{server.port}") as connection:
        assert json.loads(connection.recv()) == {"state": "ready"}


def test_answers_forbid_what_browsers_would_allow(server):
    for path in ("/", "/health", "/metrics", "/nothing"):
        _, headers, _ = server.get(path)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers
        assert "Server" not in headers


def test_log_has_ids_and_no_content(server, media):
    query = "?format=txt&secret=query"
    _, headers, text = server.post(
        media["mp3"].read_bytes(), query, **{"X-Request-ID": "mine-1"}
    )
    assert headers["X-Request-ID"] == "mine-1"
    _, headers, _ = server.get("/health", **{"X-Request-ID": "a b\tc"})
    assert headers["X-Request-ID"].isalnum()
    wait_until(lambda: f"{headers['X-Request-ID']} GET /health 200" in server.log())
    log = server.log()
    assert "mine-1 POST /transcribe 200" in log
    for word in ("secret", "etc", *text.split("\n")[0].split(" ")):
        assert f" {word} " not in log
        assert word not in log or len(word) < 4


def test_metrics_count_what_was_done(server, media):
    name = 'requests_total{route="/transcribe",status="200"}'
    before = server.metric(name), server.metric('audio_seconds_total{kind="file"}')
    server.post(media["flac"].read_bytes())
    server.get("/a/path/that/nobody/knows")
    assert server.metric(name) == before[0] + 1
    audio_s = server.metric('audio_seconds_total{kind="file"}') - before[1]
    assert audio_s == pytest.approx(12, abs=0.1)
    assert server.metric('requests_total{route="other",status="404"}') >= 1


def test_live_words_are_those_of_the_engine(server, speech):
    listener = Listener(build())
    pcm = to_pcm(speech)
    heard = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    steps = [*listener.feed(heard), *listener.finish()]
    with open_live(server, "rate=16000&sample_format=s16le&format=txt,srt") as live:
        messages = listen(live, pcm)
    assert messages[0] == {"state": "ready"}
    final = [w["text"] for m in messages[1:-1] for w in m["final"]]
    assert final == [word.text for step in steps for word in step.final]
    assert any(message["partial"] for message in messages[1:-1])
    result = messages[-1]["result"]
    assert result["txt"] == "".join(
        f"{s.text}\n" for s in listener.transcript("").segments
    )
    assert list(result) == ["txt", "srt"]
    assert live.close_code == 1000


def test_live_stream_of_another_rate_is_resampled(server, speech):
    pcm = to_pcm(soxr.resample(speech, FS, 44100))
    with open_live(server, "rate=44100&format=json") as live:
        messages = listen(live, pcm)
    found = json.loads(messages[-1]["result"]["json"])
    assert found["duration_s"] == pytest.approx(12, abs=0.01)
    assert found["segments"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("rate=0", "rate"),
        ("rate=many", "rate"),
        ("sample_format=mp3", "sample_format"),
        ("channels=99", "channels"),
        ("path=/etc/passwd", "path"),
        ("format=doc", "unknown format"),
    ],
)
def test_live_stream_of_unknown_form_is_refused(query, message, server):
    with pytest.raises(websockets.exceptions.InvalidStatus) as info:
        open_live(server, query)
    assert info.value.response.status_code == 400
    assert message in json.loads(info.value.response.body)["error"]


def test_idle_stream_makes_room_for_others(small):
    with open_live(small) as idle:
        idle.recv()
        with pytest.raises(websockets.exceptions.InvalidStatus) as info:
            open_live(small)
        assert info.value.response.status_code == 503
        assert json.loads(idle.recv())["status"] == 408
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            idle.recv()
    wait_until(lambda: small.metric("live_streams") == 0)
    with open_live(small) as live:
        assert listen(live, b"")[-1] == {"result": {}}


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [("/etc/passwd", 400, 1008), (b"\0" * 2 * FS * 6, 413, 1009)],
    ids=["text", "long"],
)
def test_hostile_messages_end_their_stream_only(message, status, code, small):
    with open_live(small) as live:
        live.recv()
        live.send(message)
        answers = []
        with pytest.raises(websockets.exceptions.ConnectionClosedError):
            while True:
                answers.append(json.loads(live.recv()))
    assert answers[-1]["status"] == status
    assert live.close_code == code
    assert small.get("/health")[0] == 200


def test_oversized_message_is_refused_by_the_protocol(server):
    with open_live(server) as live:
        live.recv()
        live.send(b"\0" * (2 << 20))
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            live.recv()
    assert live.close_code == 1009
    assert server.get("/health")[0] == 200


def test_noise_of_any_kind_is_no_error(server):
    with open_live(server, "sample_format=f32le&channels=3") as live:
        assert listen(live, os.urandom(200_001))[-1] == {"result": {}}
    assert "Traceback" not in server.log()


def test_mistakes_on_the_command_line_are_one_line(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"--port {port}: .*give another"):
            serve(["model", "--port", str(port)])
    with pytest.raises(ValueError, match="--port 99999 found, expected 0..65535"):
        serve(["model", "--port", "99999"])
    with pytest.raises(ValueError, match="--max_queue: -1 found, expected 0 or more"):
        serve(["model", "--max_queue", "-1"])
    monkeypatch.setattr(serving, "PACKAGES", ("no_such_package",))
    with pytest.raises(ValueError, match=r"no_such_package is not .*\[serve\]"):
        serve(["model"])


def test_an_address_that_others_reach_is_warned_of():
    assert serving.is_loopback("127.0.0.1")
    assert serving.is_loopback("::1")
    assert not serving.is_loopback("0.0.0.0")
    assert not serving.is_loopback("192.0.2.1")
