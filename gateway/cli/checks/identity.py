"""How customers show who they are: that the account provider answers, and whether there is a way at all."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, ok
from gateway.errors import ProviderRefused, ProviderUnreachable
from gateway.oidc import OidcClient


async def identity(case: Case) -> list[Finding]:
    """No code is sent to see whether the hook for codes works: somebody would get it."""
    check, settings = "identity", case.settings
    found: list[Finding] = []
    if settings.customer_oidc_issuer is not None:
        client = OidcClient(settings.customer_oidc_issuer, settings.customer_oidc_client_id or "", None, case.clock)
        try:
            await client.look()
        except (ProviderUnreachable, ProviderRefused) as error:
            mend = "mend GATEWAY_CUSTOMER_OIDC_ISSUER, or the way there; until then nobody is verified by signing in"
            return fail(check, f"the provider of customers' accounts cannot be used: {error}", mend)
        found += ok(check, "customers may show who they are by signing in to their account")
    if settings.identity_code_url is not None:
        found += ok(check, "customers may show who they are by a code that your hook sends")
    return found or ok(check, "customers have no way to show who they are: the desk says so, and covers names and codes")
