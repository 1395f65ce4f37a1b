"""WhatsApp's numbers, each with its source and date. Lengths count characters."""

from __future__ import annotations

from gateway.connector import ChannelFacts

# Meta, "Media", 11 Sep 2026. Meta writes MB without saying which; the smaller reading is safe.
_MB = 1_000_000
IMAGE_MIMES = {"image/jpeg": 5 * _MB, "image/png": 5 * _MB}
DOCUMENT_MIMES = {
    "application/pdf": 100 * _MB,
    "text/plain": 100 * _MB,
    "application/msword": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * _MB,
    "application/vnd.ms-excel": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * _MB,
    "application/vnd.ms-powerpoint": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * _MB,
}
# Meta, "Media", 11 Sep 2026: 16 MB; audio/ogg with the opus codec only.
AUDIO_MIMES = {f"audio/{kind}": 16 * _MB for kind in ("aac", "amr", "mpeg", "mp4", "ogg")}

FACTS = ChannelFacts(
    channel="whatsapp",
    name="WhatsApp",
    # WhatsApp, "How to create and share a group invite link": https://chat.whatsapp.com/ and a code of 22 letters and digits; a
    # little room on both sides. Links of communities look alike; whatsapp.com/channel/ is no group.
    group_link=r"https://chat\.whatsapp\.com/(?:invite/)?[A-Za-z0-9]{20,24}(?![A-Za-z0-9])",
    # Meta, "Service messages", 11 Sep 2026: 24 hours from the person's last message or call to that number.
    window_ms=24 * 60 * 60 * 1000,
    # Meta, "Throughput", 11 Sep 2026: one message in 6 s to the same person, 45 in a burst that is paid back.
    pair_interval_ms=6_000,
    pair_burst=45,
    # Meta, "Service messages", 11 Sep 2026.
    text_max=4096,
    caption_max=1024,
    # Meta, "Interactive reply buttons", autumn 2026.
    button_label_max=20,
    buttons_max=3,
    document_mimes={**IMAGE_MIMES, **DOCUMENT_MIMES},
    sound_mimes=AUDIO_MIMES,
    # facebook/openapi business-messaging-api_v23.0, Nov 2025.
    opaque_max=512,
    # Meta, "Media", 11 Sep 2026: an uploaded id lives 30 days, and only for the number that uploaded it.
    media_ttl_ms=30 * 24 * 60 * 60 * 1000,
    # Meta, "Service messages", 11 Sep 2026: to force an order, wait for `delivered` of the first.
    delivers_in_order=False,
    # Meta, "Interactive reply buttons", autumn 2026: the body of an interactive message.
    interactive_text_max=1024,
    # Meta, "Template components", Nov 2025: a document header is a PDF, an image header JPEG or PNG.
    template_document_mimes=frozenset({"application/pdf", *IMAGE_MIMES}),
)

# Interactive messages: Meta's pages of autumn 2026.
BODY_MAX = 1024
LIST_BODY_MAX = 4096  # facebook/openapi of Nov 2025 still says 1024
HEADER_MAX = 60
FOOTER_MAX = 60
BUTTON_ID_MAX = 256
LINK_LABEL_MAX = 20
URL_MAX = 2000
LIST_BUTTON_MAX = 20
LIST_SECTIONS_MAX = 10
LIST_ROWS_MAX = 10  # of all sections together
SECTION_TITLE_MAX = 24
ROW_ID_MAX = 200
ROW_TITLE_MAX = 24
ROW_DESCRIPTION_MAX = 72

# Templates: Meta, "Templates" and "Template components", Nov 2025.
TEMPLATE_NAME_MAX = 512
TEMPLATE_BODY_MAX = 1024  # with other components; the values alone are a lower bound of it
TEMPLATE_BODY_ALONE_MAX = 32_768
TEMPLATE_BUTTONS_MAX = 10
PAYLOAD_MAX = 128  # one library claims 256; 128 is what all agree on

# Webhooks: Meta, "Webhooks", 11 Sep 2026: payloads up to 3 MB. A little above, so that no reading of MB loses one.
WEBHOOK_MAX = 4 * 1024 * 1024

# Meta, "Media", 11 Sep 2026: downloads come from here and need the token; no other host may see it.
MEDIA_HOSTS = frozenset({"https://lookaside.fbsbx.com"})
