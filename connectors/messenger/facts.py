"""Messenger's numbers, each with its source and date. Lengths count characters."""

from __future__ import annotations

from gateway.connector import ChannelFacts

_HOUR_MS = 60 * 60 * 1000

# Meta, "Saving assets" and "Attachment Upload API", 22 Apr 2026: 25 MB in general, the 8 MB for images count for fetched
# addresses only, and we upload. Meta writes MB without saying which; the smaller reading is safe.
FILE_MAX = 25_000_000
IMAGE_MIMES = {"image/jpeg": FILE_MAX, "image/png": FILE_MAX}
DOCUMENT_MIMES = {
    "application/pdf": FILE_MAX,
    "text/plain": FILE_MAX,
    "application/msword": FILE_MAX,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": FILE_MAX,
    "application/vnd.ms-excel": FILE_MAX,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": FILE_MAX,
    "application/vnd.ms-powerpoint": FILE_MAX,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": FILE_MAX,
}
# Meta, "Send a Message" and "Attachment Upload API", 22 Apr 2026: an audio part of an audio/* type.
AUDIO_MIMES = {f"audio/{kind}": FILE_MAX for kind in ("aac", "mpeg", "mp4", "ogg")}

FACTS = ChannelFacts(
    channel="messenger",
    name="Messenger",
    # Meta, "Send a Message", 5 May 2026: 24 hours from the person's last qualifying action.
    window_ms=24 * _HOUR_MS,
    # Meta, "Messenger Platform rate limits", 23 Mar 2026, names none for one person beyond "do not flood a thread".
    pair_interval_ms=0,
    pair_burst=0,
    # Meta, "Send a Message", 5 May 2026: less than 2000; the API's own refusal says less than or equal to 2000.
    text_max=2000,
    # Words and a file are two messages: `text` and `attachment` exclude one another.
    caption_max=0,
    # Meta, button template, seen June 2026: 20 characters, three buttons, 640 characters above them.
    button_label_max=20,
    buttons_max=3,
    document_mimes={**IMAGE_MIMES, **DOCUMENT_MIMES},
    sound_mimes=AUDIO_MIMES,
    # Meta, "Send a Message", 5 May 2026: `metadata`, which only the echo brings back.
    opaque_max=1000,
    # Meta, "Attachment Upload API", 22 Apr 2026: an attachment id lives 90 days.
    media_ttl_ms=90 * 24 * _HOUR_MS,
    # Nothing orders parallel requests; one at a time for each person, each after the last one's answer, arrive as sent.
    delivers_in_order=True,
    # Above 640 characters the answers are quick replies, which any text may have.
    interactive_text_max=2000,
    # Meta, "Send a utility message", 13 Mar 2026: a header is a text or an image of the template's own.
    template_document_mimes=frozenset(),
    # Meta, "Send a Message", 5 May 2026: HUMAN_AGENT, 7 days, for what a person wrote.
    person_window_ms=7 * 24 * _HOUR_MS,
    # message_reads carries a watermark only; message_deliveries may.
    receipts_by_time=True,
    # Meta, "Personas", 22 Apr 2026.
    shows_speaker=True,
    # Meta, "Conversation Routing", 24 Sep 2025.
    thread_control=True,
)

# Messages: Meta, "Send a Message", 5 May 2026; quick replies, 17 Jun 2026; template pages of Jan 2022 to 30 Jun 2026.
PAYLOAD_MAX = 1000
BUTTON_TEXT_MAX = 640  # the words above buttons that stay
QUICK_REPLIES_MAX = 13
QUICK_REPLY_TITLE_MAX = 20
CARDS_MAX = 10
CARD_TITLE_MAX = 80
CARD_SUBTITLE_MAX = 80
URL_MAX = 2000  # ours: Meta names none for buttons, and longer ones break elsewhere
RECEIPT_LINES_MAX = 100

# Utility templates: Meta, "Send a utility message", 13 Mar 2026; the 1024 of the body is what third parties report.
TEMPLATE_NAME_MAX = 512
TEMPLATE_HEADER_MAX = 60
TEMPLATE_BODY_MAX = 1024
TEMPLATE_BUTTONS_MAX = 3

# Meta, "Personas", 22 Apr 2026.
SPEAKER_NAME_MAX = 50

# An m.me link's `ref`: letters, digits, - _ = (Meta, 23 Mar 2026). Its length is documented for the plugin alone.
REF_MAX = 250

# As WhatsApp's: 3 MB and a little above.
WEBHOOK_MAX = 4 * 1024 * 1024

# Where the signed addresses of what people send lie.
MEDIA_DOMAINS = ("fbcdn.net", "fbsbx.com", "facebook.com")

# The Page's own inbox, as `app_id` of an echo. Meta's page on echoes prints it without the final zero as well.
PAGE_INBOX_APPS = frozenset({"263902037430900", "26390203743090"})
