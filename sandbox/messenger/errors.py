"""Refusals as the Messenger Platform words them, by (code, subcode).

Codes: Meta, "Common Error Codes", 25 June 2026; texts and HTTP statuses as observed in the field, 2024-2026. A code alone
tells little here: 10 and 100 stand each for a dozen things. Sentences are as observed or ours; nothing may match on them
but where a code has several meanings without a subcode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.errors import CODES, GraphError

GRAPH = "GraphMethodException"


@dataclass(frozen=True)
class Known:
    """``bare``: the text carries no "(#code)" in front."""

    text: str
    http: int = 400
    transient: bool | None = None
    bare: bool = False
    user_title: str | None = None
    user_msg: str | None = None


_UNAVAILABLE = "This person isn't available right now."
_CONTROL = "Message failed to send because another app is controlling this thread now."
_OUTSIDE = "This message is sent outside of allowed window. "
ERRORS: dict[tuple[int, int | None], Known] = {
    (-1, None): Known("Unexpected internal error", 500),
    (1, None): Known("An unknown error has occurred.", 500, bare=True),
    (1, 99): Known("An unknown error has occurred.", 500, bare=True),
    (1, 1357046): Known("Received Invalid JSON reply.", 500, bare=True),
    (2, None): Known("An unexpected error has occurred. Please retry your request later.", 500, True, bare=True),
    (2, 2018344): Known("Service temporarily unavailable", 400, False, True, "Privacy ToS not accepted",
                        "To use the inbox label API, you need to accept the privacy ToS."),
    (4, None): Known("Application request limit reached", 403, True),
    (4, 2018022): Known("Application request limit reached", 403, True),
    (4, 2018354): Known("A message to this topic was sent a short while ago; the agreed cadence is not over.", 403),
    (9, 2018352): Known("There have been too many opt-in requests to this person."),
    (10, None): Known("Application does not have permission for this action"),
    (10, 1404170): Known("This Page is restricted from sending opt-in requests."),
    (10, 1893015): Known("This user has currently stopped notification messages for this topic"),
    (10, 1893063): Known("You are temporarily restricted from sending messages."),
    (10, 2018065): Known(_OUTSIDE + "You need page_messages_subscriptions permission to be able to do it."),
    (10, 2018108): Known("They can't receive your messages right now."),
    (10, 2018278): Known(_OUTSIDE + "Learn more about the new policy here: "
                         "https://developers.facebook.com/docs/messenger-platform/policy-overview"),
    (10, 2018300): Known(_CONTROL),
    (10, 2018336): Known("Feature not available for this thread"),
    (10, 2534022): Known(_OUTSIDE),
    (17, None): Known("User request limit reached", 403, True),
    (32, None): Known("Page request limit reached", 403, True),
    (100, None): Known("Invalid parameter"),
    (100, 1893029): Known("User pass less payload than required for POSTBACK button"),
    (100, 1893043): Known("Special characters '#','%','$' and emojis not allowed in template parameter"),
    (100, 1893061): Known("Invalid parameter", transient=False),
    (100, 2018001): Known("No matching user found"),
    (100, 2018008): Known("Failed to fetch the file from the url."),
    (100, 2018014): Known("Cannot send both message and state at the same time"),
    (100, 2018015): Known("Must send either message or state"),
    (100, 2018034): Known("Message cannot be empty, must provide valid attachment or text"),
    (100, 2018040): Known("Postback button must have a payload."),
    (100, 2018041): Known("Url button must have a valid url."),
    (100, 2018047): Known("Upload attachment failure."),
    (100, 2018053): Known("Element button title cannot be empty."),
    (100, 2018074): Known("Invalid attachment id"),
    (100, 2018109): Known("Attachment size exceeds allowable limit"),
    (100, 2018164): Known("Invalid app id"),
    (100, 2018218): Known("No profile available for this user."),
    (100, 2018247): Known("Insufficient permission to access user profile."),
    (100, 2018294): Known("Video upload timed out or video is corrupted"),
    (100, 2018320): Known("The product does not belong to this Page."),
    (100, 2018328): Known("The product id is not valid."),
    (100, 2018416): Known("Fatal", bare=True, user_title="Message Template Creation Failed"),
    (100, 2388051): Known("Invalid parameter", bare=True, user_title="Message Template Creation Failed",
                          user_msg="A POSTBACK button has no example."),
    (100, 2534001): Known("The thread owner has archived or deleted this conversation, or the thread does not exist."),
    (100, 2534037): Known("The action is invalid since it is not the thread owner."),
    (190, None): Known("Invalid OAuth access token.", 401, bare=True),
    **{(190, subcode): Known("Error validating access token: " + text, 401, bare=True) for subcode, text in (
        (458, "The user has not authorized the application."),
        (459, "You cannot access the app till you log in to www.facebook.com and follow the instructions given."),
        (460, "The session has been invalidated because the user changed the password."),
        (463, "Session has expired."), (464, "Sessions for the user are not allowed because the user is not confirmed."),
        (467, "The session is invalid because the user logged out."),
        (492, "Session invalid: the user does not have a sufficient role on the Page."))},
    (200, None): Known("Permissions error", 403),
    (200, 1545041): Known(_UNAVAILABLE),
    (200, 2018021): Known("Matching people by phone number needs a fee that was not paid.", 403),
    (200, 2018027): Known("Matching people by phone number needs a permission that was not reviewed.", 403),
    (200, 2018028): Known("Cannot message users who are not admins, developers or testers of the app until "
                          "pages_messaging permission is reviewed and the app is live.", 403),
    (230, None): Known("Permissions disallow message to user", 403),
    (368, None): Known("The action attempted has been deemed abusive or is otherwise disallowed", bare=True),
    (506, None): Known("Duplicate post", bare=True),
    (551, None): Known(_UNAVAILABLE),
    (551, 1545041): Known(_UNAVAILABLE),
    (613, None): Known("Calls to this api have exceeded the rate limit."),
    (613, 1893016): Known("Multiple opt-in requests with the same topic"),
    (613, 2018338): Known("Warning: message rate with tags is too high for this person"),
    (613, 2534040): Known("Calls to this api have exceeded the rate limit."),
    (1200, None): Known("Temporary send message failure. Please try again later.", 500, True),
    (2018144, None): Known("The quota of game notifications is used up."),
    (2018171, None): Known("This call is for the primary receiver."),
    (2018234, None): Known("This call is for the primary receiver."),
    (2018218, None): Known("No profile available for this user."),
    (2018247, None): Known("Insufficient permission to access user profile."),
    (2018300, None): Known(_CONTROL),
    (2018321, None): Known("The thread is in an automated question and answer flow."),
    (2022, None): Known("Commerce messages are disabled for this Page."),
    (9000001, None): Known("The message was deleted."),
    (10303, None): Known("Invalid account_linking_token", bare=True),
    (10900, None): Known("Activity already replied to"),
    (10903, None): Known("This user cannot reply to this activity"),
    (80006, None): Known("There have been too many messenger api calls to this Page account. Wait a bit and try again."),
}
# minutes until calls are let through again, told in the usage header of these codes
THROTTLED = {4: 0, 80006: 12}


class PageError(GraphError):
    """A refusal in the Messenger Platform's shape; what is not said comes from ``ERRORS``."""

    def __init__(self, code: int, subcode: int | None = None, text: str | None = None, *, http: int | None = None,
                 kind: str = "OAuthException", bare: bool = False, regain_min: int | None = None) -> None:
        known = ERRORS.get((code, subcode)) or ERRORS.get((code, None))
        if known is None:
            other = CODES.get(code)
            known = Known("Error" if other is None else other.title, 400 if other is None else other.http)
        words = text or known.text
        super().__init__(code, message=words if bare or known.bare else f"(#{code}) {words}", http=http or known.http,
                         subcode=subcode, kind=kind, user_title=known.user_title, user_msg=known.user_msg, data=False)
        self.subcode = subcode
        self.transient = known.transient
        self.regain_min = THROTTLED.get(code) if regain_min is None else regain_min

    def body(self, trace: str) -> dict[str, Any]:
        whole = super().body(trace)
        if self.user_msg is None:
            whole["error"].pop("error_user_msg", None)
        return whole


def invalid(text: str) -> PageError:
    """100 without a subcode: the text says what."""
    return PageError(100, text=text)


def too_long(path: str, most: int) -> PageError:
    return PageError(100, text=f"Length of param {path} must be less than or equal to {most}")


def invalid_keys(keys: str, path: str) -> PageError:
    return PageError(100, text=f'Invalid keys "{keys}" were found in param "{path}".')


def no_permission(scope: str) -> PageError:
    return PageError(10, text=f"Requires {scope} permission to manage the object")


def injected(fault: dict[str, Any]) -> PageError:
    """What the fault ``code`` asks for."""
    return PageError(fault["code"], fault.get("subcode") or None, fault.get("details") or None)
