"""How customers and agents show who they are: that their providers answer, speak of themselves as we do, and tell the time."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, ok, warn
from gateway.errors import ProviderRefused, ProviderUnreachable, SettingsError
from gateway.oidc import LEEWAY_S, OidcClient
from gateway.webcare.provider import read_groups


async def identity(case: Case) -> list[Finding]:
    """No code is sent to see whether the hook for codes works: somebody would get it."""
    check, settings = "identity", case.settings
    found: list[Finding] = []
    if settings.customer_oidc_issuer is not None:
        client = OidcClient(settings.customer_oidc_issuer, settings.customer_oidc_client_id or "", None, case.clock)
        try:
            looked = await client.look()
        except (ProviderUnreachable, ProviderRefused) as error:
            mend = "mend GATEWAY_CUSTOMER_OIDC_ISSUER, or the way there; until then nobody is verified by signing in"
            return fail(check, f"the provider of customers' accounts cannot be used: {error}", mend)
        if looked.says_when is False:
            what = "the provider's tokens do not say when a customer signed in: nobody is verified by signing in"
            found += warn(check, what, "have it add auth_time to the ID token (docs/desk.md)")
        else:
            found += ok(check, "customers may show who they are by signing in to their account")
    if settings.identity_code_url is not None:
        found += ok(check, "customers may show who they are by a code that your hook sends")
    return found or ok(check, "customers have no way to show who they are: the desk says so, and covers names and codes")


async def sign_in(case: Case) -> list[Finding]:
    """Agents can sign in at their provider: description, issuer, keys, clock, groups."""
    check, settings = "sign-in", case.settings
    if settings.oidc_issuer is None:
        return ok(check, "agents sign in by name and password, kept here")
    if settings.oidc_groups_file is not None:
        try:
            read_groups(settings.oidc_groups_file)
        except SettingsError as error:
            return fail(check, "; ".join(error.problems[:5]), "mend this place of the table (docs/desk.md)")
    client = OidcClient(settings.oidc_issuer, settings.oidc_client_id or "", None, case.clock)
    try:
        looked = await client.look()
    except (ProviderUnreachable, ProviderRefused) as error:
        mend = "mend GATEWAY_OIDC_ISSUER, or the way there; until then nobody signs in, and desks are locked after the grace"
        return fail(check, f"the provider of agents cannot be used: {error}", mend)
    if not looked.keys:
        what = "the provider publishes no key that a token may be signed with"
        return fail(check, what, "have it sign by RSA or an elliptic curve")
    found: list[Finding] = []
    if looked.ahead_s is not None and abs(looked.ahead_s) > LEEWAY_S:
        way = "before" if looked.ahead_s > 0 else "behind"
        what = f"the provider's clock is {abs(looked.ahead_s):.0f} s {way} ours: its tokens are refused from {LEEWAY_S} s on"
        found += fail(check, what, "have both machines set their clocks by the same servers (NTP)")
    if looked.says_when is False:
        what = "the provider's tokens do not say when somebody signed in: no locked desk is opened but by signing out and in"
        found += warn(check, what, "have it add auth_time to the ID token (docs/desk.md)")
    return found or ok(check, f"agents sign in at their provider, which answers with {looked.keys} keys and the right time")
