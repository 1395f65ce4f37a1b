"""The Page by API, for `connect` and `doctor`: what a token may do, our Pages, callback, first screen, who may write.

`MessengerAdmin` implements `gateway.cli.admin_port.PageAdmin`. Sources: Meta, "Webhooks for the Messenger Platform", 2025;
"Conversation Routing", 24 Sep 2025; facebook-python-business-sdk v25.0.2 (Page edges), 24 Jun 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.messenger import admin_reading as reading
from connectors.messenger.refusals import meaning
from connectors.meta.management import Management, only_refusal, path_of
from gateway.model.account import PageReport, Refused, Reviewed, Routing, Screen, Subscribers, Why

SCOPES = ("pages_messaging", "pages_manage_metadata")
"""Sending, and subscribing webhooks and setting the first screen."""
TEMPLATE_SCOPE = "pages_utility_messaging"
"""Templates. The guides write it without the s, and that one is refused as an invalid scope (field reports, 2026)."""

WEBHOOK_FIELDS = (
    "messages",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "message_reads",
    "message_deliveries",
    "messaging_postbacks",
    "messaging_optins",
    "messaging_referrals",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "message_template_status_update",
)
"""What our parser acts on. Not `response_feedback`: subscribing to it puts thumbs under every message of ours."""

_SCREEN_FIELDS = "get_started,greeting,ice_breakers,persistent_menu,subject_to_new_eu_privacy_rules"
# When the first list is refused for a field that this version does not know: what every version has had.
_SCREEN_FIELDS_LEAST = "get_started,greeting,persistent_menu"
_PAGES = 100

Json = Mapping[str, Any]


class MessengerAdmin(Management):
    """`PageAdmin` for Messenger; see `Management` for what it is made of."""

    scopes: tuple[str, ...] = SCOPES
    webhook_object = "page"
    webhook_fields = WEBHOOK_FIELDS
    codes = staticmethod(meaning)

    async def pages(self) -> tuple[PageReport, ...] | Refused:
        """The Pages that the token was given (the first 100); of a Page's own token that Page."""
        answer = await self._call("GET", f"/me/accounts?fields=id,name,username,access_token&limit={_PAGES}")
        found = () if isinstance(answer, Refused) else reading.pages(answer)
        if found or (isinstance(answer, Refused) and (answer.passing or answer.why is Why.TOKEN)):
            return answer if isinstance(answer, Refused) else found
        mine = await self._call("GET", "/me?fields=id,name,username")
        if isinstance(mine, Refused):
            return answer if isinstance(answer, Refused) else mine
        # /me of a person or a system user is no Page: it has no messages of its own, and its id stands in no Page's token.
        report = await self.token()
        own = reading.page(mine)
        return (own,) if not isinstance(report, Refused) and own.id in report.accounts else found

    async def page(self, page_id: str) -> PageReport | Refused:
        answer = await self._call("GET", f"{path_of(page_id)}?fields=id,name,username")
        if isinstance(answer, Refused) and answer.code == 100 and answer.why is Why.OTHER:
            answer = await self._call("GET", f"{path_of(page_id)}?fields=id,name")
        return answer if isinstance(answer, Refused) else reading.page(answer)

    # who is told

    async def subscribers(self, account_id: str) -> Subscribers | Refused:
        answer = await self._call("GET", f"{path_of(account_id)}/subscribed_apps")
        return answer if isinstance(answer, Refused) else reading.subscribers(answer, self._app_id, WEBHOOK_FIELDS)

    async def subscribe(self, account_id: str) -> Refused | None:
        """Have the Page tell this app, field by field; the app's own fields must hold them too."""
        fields = quote(",".join(WEBHOOK_FIELDS), safe=",")
        return only_refusal(await self._call("POST", f"{path_of(account_id)}/subscribed_apps?subscribed_fields={fields}", {}))

    # what people see

    async def screen(self, page_id: str) -> Screen | Refused:
        answer = await self._call("GET", f"{path_of(page_id)}/messenger_profile?fields={_SCREEN_FIELDS}")
        if isinstance(answer, Refused) and answer.code == 100 and answer.why is Why.OTHER:
            answer = await self._call("GET", f"{path_of(page_id)}/messenger_profile?fields={_SCREEN_FIELDS_LEAST}")
        return answer if isinstance(answer, Refused) else reading.screen(answer)

    async def set_screen(self, page_id: str, wish: Screen) -> Refused | None:
        body = reading.profile_body(wish)
        return only_refusal(await self._call("POST", f"{path_of(page_id)}/messenger_profile", body)) if body else None

    # who may write

    async def routing(self, page_id: str) -> Routing | Refused:
        """Whether threads have one holder, and whether idle ones are ours.

        Meta names the default app nowhere. Who may list the secondary receivers is the one that idle threads go to: an old
        call of the Handover Protocol that Conversation Routing kept. Its refusal proves nothing but for lacking that role.
        """
        status = await self._call("GET", f"{path_of(page_id)}?fields=messaging_feature_status")
        if isinstance(status, Refused):
            return status
        routed = reading.routed(status)
        if routed is False:
            return Routing(False, None)
        others = await self._call("GET", f"{path_of(page_id)}/secondary_receivers?fields=id,name")
        if not isinstance(others, Refused):
            return Routing(routed, True, others=reading.receivers(others))
        lacks_role = (others.code, others.subcode) in reading.NOT_THE_DEFAULT
        return Routing(routed, False if lacks_role else None, others.sentence)

    async def reviewed(self, page_id: str) -> Reviewed | Refused:
        answer = await self._call("GET", f"{path_of(page_id)}/messaging_feature_review")
        return answer if isinstance(answer, Refused) else reading.reviewed(answer)

    async def templates_approved(self, page_id: str) -> int | Refused:
        """How many templates are approved (of the first 100): that they can be listed shows that the Page may have some."""
        path = f"{path_of(page_id)}/message_templates?fields=name,status&status=APPROVED&limit=100"
        answer = await self._call("GET", path)
        return answer if isinstance(answer, Refused) else reading.approved(answer)
