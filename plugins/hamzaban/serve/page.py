"""The page of the service, in one piece."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path

from hamzaban.serve.serve_options import ServeOptions
from hamzaban.transcribe.formats import FORMATS

POLICY = "Content-Security-Policy"
TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("audio", "words", "page")


@dataclasses.dataclass(frozen=True)
class Page:
    """The page, and what a browser may do with it.

    Attributes:
        html: The page.
        policy: Value of the header POLICY: its own script and style run, and nothing
            is loaded but from this service.
    """

    html: str
    policy: str


def render_page(options: ServeOptions) -> Page:
    """Return the page for a service with these limits."""
    parts = [(TEMPLATES / f"{name}.js").read_text("utf-8") for name in SCRIPTS]
    script = "\n".join(['(() => {\n"use strict";', *parts, "})();", ""])
    style = (TEMPLATES / "page.css").read_text("utf-8")
    worklet = (TEMPLATES / "worklet.js").read_text("utf-8")
    settings = {
        "formats": list(FORMATS),
        "maxUploadMb": options.max_upload_mb,
        "maxAudioS": options.max_audio_s,
        "worklet": worklet,
    }
    html = (TEMPLATES / "page.html").read_text("utf-8")
    for name, text in (
        ("style", style),
        ("script", script),
        ("settings", json.dumps(settings).replace("<", "\\u003c")),
    ):
        html = html.replace(f"{{{{ {name} }}}}", text)
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}' blob:; "
        f"style-src '{_digest(style)}'; connect-src 'self'; media-src blob:; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html, policy)


def _digest(text: str) -> str:
    found = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{found}"
