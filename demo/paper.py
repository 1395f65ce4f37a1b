"""Pretend papers and photos, in base64: a one-page PDF as an issuer would put it into its event, a modem as a phone sees it."""

from __future__ import annotations

import base64
import io

from PIL import Image, ImageDraw


def pdf(title: str, lines: list[str]) -> str:
    """One phone-sized page with a title and lines of Latin text."""

    def quoted(text: str) -> str:
        return text.encode("latin-1", "replace").decode("latin-1").replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")

    rows = [f"BT /F1 22 Tf 28 330 Td ({quoted(title)}) Tj ET"]
    rows += [f"BT /F1 12 Tf 28 {290 - 22 * place} Td ({quoted(line)}) Tj ET" for place, line in enumerate(lines)]
    content = "\n".join(rows).encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 298 380] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length " + str(len(content)).encode() + b" >>\nstream\n" + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return base64.b64encode(bytes(out)).decode()


def photo() -> str:
    """A modem on a table whose lamp is red: a JPEG of 800 x 600."""
    image = Image.new("RGB", (800, 600), "#c9b79c")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 420, 800, 600), fill="#8a6b4a")
    for x in (230, 560):
        draw.rounded_rectangle((x, 120, x + 14, 330), 7, fill="#23272b")
    draw.rounded_rectangle((150, 310, 650, 450), 26, fill="#2f353a")
    draw.rounded_rectangle((150, 310, 650, 340), 14, fill="#3d454b")
    for place, colour in enumerate(("#46d37a", "#46d37a", "#ff3b30", "#5c646a")):
        draw.ellipse((220 + 90 * place, 380, 246 + 90 * place, 406), fill=colour)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return base64.b64encode(out.getvalue()).decode()
