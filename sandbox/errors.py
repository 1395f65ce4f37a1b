"""Meta's error codes: HTTP status, title, usual details and by which road they reach the client.

Codes and meanings: Meta's "Error codes" page, September 2026; HTTP statuses of the same page, November 2025 (400 is
assumed for newer codes). Sentences are ours or as observed; nothing may match on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HREF = "/documentation/business-messaging/whatsapp/support/error-codes"


@dataclass(frozen=True)
class Known:
    """One code. ``by_webhook``: the habit is 200 first and a failed status afterwards."""

    http: int
    title: str
    details: str | None = None
    by_webhook: bool = False
    subcode: int | None = None
    transient: bool | None = None


_MANY = "Message failed to send because there were too many messages sent from this phone number"
CODES: dict[int, Known] = {
    0: Known(401, "We were unable to authenticate the app user."),
    1: Known(400, "An unknown error has occurred."),
    2: Known(503, "Service temporarily unavailable", transient=True),
    3: Known(500, "Application does not have the capability to make this API call."),
    4: Known(400, "Application request limit reached", transient=True),
    15: Known(400, "This method must be called with an app access_token"),
    10: Known(403, "Application does not have permission for this action"),
    33: Known(400, "This object does not exist or was deleted"),
    100: Known(400, "Invalid parameter"),
    102: Known(401, "Session key invalid or no longer valid"),
    104: Known(401, "An access token is required to request this resource."),
    190: Known(401, "Invalid OAuth access token - Cannot parse access token"),
    200: Known(403, "You do not have the necessary permissions to send messages on behalf of this WhatsApp Business Account"),
    368: Known(403, "Temporarily blocked for policies violations"),
    80007: Known(400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130403: Known(400, "Business blocked this user",
                  "Unable to deliver the message. This business has blocked the end user on WhatsApp", True),
    130429: Known(400, "Rate limit hit", "Cloud API message throughput has been reached.", subcode=2494055),
    130472: Known(400, "User's number is part of an experiment",
                  "Failed to send message because this user's phone number is part of an experiment", True),
    130497: Known(403, "Business account is restricted from messaging users in this country",
                  "The WhatsApp Business Account is restricted from messaging to users in certain countries."),
    130501: Known(400, "Unsupported message type", "Message type is not currently supported", True),
    131000: Known(500, "Something went wrong", "Message failed to send due to an unknown error."),
    131005: Known(403, "Access denied", "Permission is either not granted or has been removed."),
    131008: Known(400, "Required parameter is missing", "A required parameter is missing."),
    131009: Known(400, "Parameter value is not valid", "One or more parameter values are invalid."),
    131016: Known(500, "Service overloaded", "A service is temporarily unavailable.", transient=True),
    131021: Known(400, "Recipient cannot be sender", "Sender and recipient phone number is the same."),
    131026: Known(400, "Message undeliverable", "Message Undeliverable.", True),
    131030: Known(400, "Recipient phone number not in allowed list",
                  "Recipient phone number not in allowed list: Add recipient phone number to recipient list and try again."),
    131031: Known(403, "Business Account locked", "Business Account has been locked."),
    131037: Known(400, "WhatsApp provided number needs display name approval before message can be sent",
                  "The 555 business phone number used to send the request does not have an approved display name."),
    131041: Known(400, "Group unknown",
                  "The group was not found, either because it doesn't exist or you are not a member."),
    131042: Known(400, "Business eligibility payment issue",
                  "Message failed to send because there were one or more errors related to your payment method.", True),
    131045: Known(500, "Incorrect certificate", "Message failed to send due to a phone number registration error."),
    131047: Known(400, "Re-engagement message",
                  "Message failed to send because more than 24 hours have passed since the customer last replied to this "
                  "number.", True),
    131048: Known(400, "Spam rate limit hit",
                  "Message failed to send because there are restrictions on how many messages can be sent from this phone "
                  "number.", True),
    131049: Known(400, "This message was not delivered to maintain healthy ecosystem engagement.",
                  "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.", True),
    131050: Known(400, "User has stopped marketing messages",
                  "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on "
                  "WhatsApp from your business.", True),
    131051: Known(400, "Unsupported message type", "Message type is not currently supported."),
    131052: Known(400, "Media download error", "Failed to download the media sent by the user.", True),
    131053: Known(400, "Media upload error", "The media could not be uploaded.", True),
    131055: Known(400, "Method not allowed", "This call is not allowed."),
    131056: Known(400, "(Business Account, Consumer Account) pair rate limit hit",
                  _MANY + " to the same phone number in a short period of time."),
    131057: Known(500, "Account in maintenance mode", "Business Account is in maintenance mode"),
    131062: Known(400, "BSUID recipients not supported",
                  "Business-scoped User ID (BSUID) recipients are not supported for this message."),
    131063: Known(400, "Marketing templates disabled",
                  "Your template is categorized as Marketing, but marketing templates are currently disabled for your "
                  "Cloud API configuration."),
    131064: Known(400, "Messaging limit reached",
                  "Message failed to send because this account has reached its messaging limit due to template "
                  "classification violations."),
    131208: Known(429, "Group Rate Limit Hit",
                  "Group operation failed because there were too many group operations from this phone number in a short "
                  "period."),
    131215: Known(400, "This phone number is not eligible to access Groups APIs",
                  "Groups APIs are only available for eligible phone numbers."),
    132000: Known(400, "Number of parameters does not match the expected number of params",
                  "The number of parameters does not match."),
    132001: Known(404, "Template name does not exist in the translation", "The template does not exist."),
    132005: Known(400, "Translated text too long", "The rendered text of the template is too long."),
    132007: Known(400, "Template format character policy violated", "Template content violates a WhatsApp policy."),
    132008: Known(400, "Parameter format does not match format in the created template", "Parameter format mismatch."),
    132012: Known(400, "Parameter format does not match format in the created template", "Parameter format mismatch."),
    132015: Known(400, "Template is paused",
                  "Template is paused due to low quality so it cannot be sent in a template message."),
    132016: Known(400, "Template is disabled",
                  "Template has been paused too many times due to low quality and is now permanently disabled."),
    132018: Known(400, "There's an issue with the parameters in your template",
                  "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"),
    132068: Known(400, "Flow is blocked", "Flow is in blocked state."),
    132069: Known(400, "Flow is throttled",
                  "Flow is in throttled state and 10 messages using this flow were already sent in the last hour."),
    133000: Known(500, "Incomplete deregistration", "A previous deregistration attempt failed."),
    133004: Known(503, "Server temporarily unavailable", "The server is temporarily unavailable."),
    133005: Known(400, "Two-step verification PIN mismatch", "The two-step verification PIN provided is incorrect."),
    133006: Known(400, "Phone number re-verification needed", "The phone number needs to be verified before registering."),
    133008: Known(400, "Too many two-step verification PIN guesses", "Too many PIN guesses. Try again later."),
    133010: Known(400, "Account not registered", "Phone number not registered on the WhatsApp Business Platform."),
    133015: Known(400, "Phone number was recently deleted", "Wait 5 minutes before trying to register it."),
    133016: Known(400, "Account register deregister rate limit exceeded",
                  "There were too many registration or deregistration attempts for this phone number."),
    134011: Known(400, "WhatsApp Payments terms of service has not been accepted", "Accept the terms first."),
    135000: Known(400, "Generic user error", "Message failed to send because of an unknown error with its parameters."),
    136024: Known(400, "Request code error", "The number is verified already, or codes were asked for too often."),
    136025: Known(400, "Verify code error", "The code is wrong or has expired."),
    137000: Known(400, "Identity key hash mismatch",
                  "The recipient's identity key hash does not match the one on record."),
    147001: Known(400, "Username not available", "The username is not available."),
}
# Codes whose message carries no "(#code)" in front, and whose body carries no error_data.
_BARE = frozenset({0, 1, 104, 190})
_NO_DATA = frozenset({0, 1, 2, 3, 4, 10, 15, 33, 102, 104, 190, 200, 368})


class GraphError(Exception):
    """A refusal in Meta's shape. ``http`` and the body's parts default to what ``CODES`` says of the code."""

    def __init__(self, code: int, details: str | None = None, *, message: str | None = None, http: int | None = None,
                 subcode: int | None = None, kind: str = "OAuthException", user_title: str | None = None,
                 user_msg: str | None = None, data: bool | None = None) -> None:
        super().__init__(code, details)
        known = CODES.get(code, Known(400, "Error"))
        self.code = code
        self.http = http or known.http
        self.details = details or known.details
        self.title = known.title
        self.message = message or (known.title if code in _BARE else f"(#{code}) {known.title}")
        self.kind = kind
        self.subcode = subcode if subcode is not None else known.subcode
        self.user_title, self.user_msg = user_title, user_msg
        self.transient = False if user_title is not None else known.transient
        self.data = data if data is not None else (code not in _NO_DATA and self.details is not None)

    def body(self, trace: str) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.data:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.transient is not None:
            error["is_transient"] = self.transient
        if self.user_title is not None:
            error["error_user_title"] = self.user_title
            error["error_user_msg"] = self.user_msg
        error["fbtrace_id"] = trace
        return {"error": error}


def missing(name: str) -> GraphError:
    return GraphError(131008, f"Parameter '{name}' is missing")


def invalid(details: str) -> GraphError:
    return GraphError(131009, details)


def unexpected_key(key: str, param: str) -> GraphError:
    return GraphError(100, f'Unexpected key "{key}" on param "{param}".')


def too_long(path: str, most: int) -> GraphError:
    return GraphError(100, message=f"(#100) Param {path} must be at most {most} characters long.")


def object_missing(node: str, method: str) -> GraphError:
    return GraphError(
        100, message=f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded due "
        "to missing permissions, or does not support this operation.", kind="GraphMethodException", subcode=33)


def review_error(subcode: int, title: str, text: str) -> GraphError:
    """A template that is refused when it is created or edited."""
    return GraphError(100, message="Invalid parameter", subcode=subcode, user_title=title, user_msg=text)


def webhook_error(code: int, details: str | None = None) -> dict[str, Any]:
    """The same code as it stands in ``errors[]`` of a failed status."""
    known = CODES.get(code, Known(400, "Error", "The message could not be sent."))
    return {"code": code, "title": known.title, "message": known.title,
            "error_data": {"details": details or known.details or known.title}, "href": HREF}
