"""`connect messenger`, steps 2, 5 and 6: which Page, what people see before they begin, and who answers them."""

from __future__ import annotations

from gateway.cli.connect_access import Door
from gateway.cli.connect_visit import Halted, Visit
from gateway.cli.dialogue import agreed
from gateway.model.account import Access, PageReport, Refused, Screen

GET_STARTED = "get_started"
PERSON = "person"
_SYSTEM_USER = (
    "business.facebook.com > Settings > Users > System users > Add (admin), assign it the app and the Page with full control, "
    "then Generate token: your app, expiration `never`, pages_show_list, pages_messaging, pages_manage_metadata and "
    "pages_utility_messaging"
)
DOOR = Door(
    "GATEWAY_MESSENGER_TOKEN", _SYSTEM_USER, "send, and manage the Page's webhooks and first screen", "tick all that are named"
)
TEMPLATE_SCOPE = "pages_utility_messaging"
_DEFAULT_APP = "facebook.com > the Page > Settings > Messaging > Conversation routing > Default app: choose your app"
_MAY_TAKE = "on the same page, at your app: switch on that it may take control, so that your people can answer what it lost"
_ASSISTANT = (
    "business.facebook.com > Inbox > Automations, and the Page's settings for Meta's business assistant: switch off what answers "
    "people, else they are answered twice, or by it alone"
)

# Greeting (160 characters at most) and the menu's one entry, by language; {name} is the Page's.
_WORDS = {
    "nl": ("Welkom bij {name}. Eerst antwoordt onze automatische assistent; een medewerker is er ook.", "Stel een vraag"),
    "en": ("Welcome to {name}. Our automatic assistant answers first; you can always reach a person.", "Ask a question"),
    "de": ("Willkommen bei {name}. Zuerst antwortet unser automatischer Assistent; ein Mensch ist immer da.", "Frage stellen"),
    "fr": ("Bienvenue chez {name}. Notre assistant automatique répond d’abord, puis une personne.", "Poser une question"),
}
_GREETING_MAX = 160


async def choose_page(visit: Visit, page_id: str | None) -> None:
    """Find the Pages that the token was given, and let one be chosen. raises: Halted"""
    visit.step(2, "Page", "People write to a Page; its templates, webhooks and first screen hang on it.")
    report = await visit.app_admin.token()
    if isinstance(report, Refused):
        raise visit.halt(report)
    if TEMPLATE_SCOPE not in report.scopes:
        visit.io.show(
            f"   The token lacks {TEMPLATE_SCOPE}: within 24 hours of somebody's words all goes out, later nothing does.\n"
            f"   -> ask for it (your app > App Review), then make the token anew: {_SYSTEM_USER}"
        )
    wanted = page_id or visit.settings.messenger_page_id or visit.state.account_id
    found = await visit.page_admin.pages()
    if isinstance(found, Refused):
        raise visit.halt(found)
    if not found:
        mend = f"assign the system user the Page and generate the token anew: {_SYSTEM_USER}"
        raise Halted("the token was given no Page", mend)
    place = next((place for place, page in enumerate(found) if page.id == wanted), None)
    if place is None and page_id is not None:
        raise Halted("--page names no Page that the token was given", f"there are {', '.join(one.name for one in found)}")
    if place is None:
        place = await visit.io.choose("   Which Page?", [page.name for page in found]) if found[1:] else 0
    await _settle(visit, found[place])


async def _settle(visit: Visit, page: PageReport) -> None:
    """From here on we speak with the Page's own token, which does nothing for another Page and ends with no password."""
    assert visit.access is not None
    before = visit.access.token
    if page.token is not None and page.token != before:
        await visit.open(Access(visit.access.app_id, visit.access.app_secret, page.token))
    named = await visit.page_admin.page(page.id)
    visit.page = page if isinstance(named, Refused) else named
    visit.state.account_id = page.id
    visit.save()
    visit.io.show(f"   Page: {visit.page.name}{f' (m.me/{visit.page.username})' if visit.page.username else ''}")
    fresh = {}
    if visit.settings.messenger_page_id != page.id:
        fresh["GATEWAY_MESSENGER_PAGE_ID"] = page.id
    if visit.access.token != before:
        fresh[DOOR.setting] = visit.access.token.reveal()
    await visit.keep(fresh, ours=before.reveal())


async def first_screen(visit: Visit) -> None:
    """Set what is missing of Get Started, greeting and menu, after showing it. raises: Halted"""
    visit.step(5, "What people see first", "Links bring their token by Get Started; the menu always leads to a person.")
    assert visit.page is not None
    there = await visit.page_admin.screen(visit.page.id)
    if isinstance(there, Refused):
        raise visit.halt(there)
    if there.openers:
        visit.io.show(
            f"   The Page offers {len(there.openers)} opening questions. They take the place of Get Started, and links lose\n"
            "   their token: take them away in the Page's inbox (Automations > Frequently asked questions)."
        )
    wish = _wish(visit, there)
    if wish == Screen():
        visit.io.show("   All of it was set before; it stays as it is.")
        return
    visit.io.show("   People would see:")
    if wish.greeting is not None:
        visit.io.show(f"     greeting      {wish.greeting}")
    if wish.get_started is not None:
        visit.io.show("     button        Get Started")
    if wish.menu:
        visit.io.show(f"     menu          {', '.join(label for label, _ in wish.menu)}")
    if there.greeting is not None or there.menu:
        visit.io.show("   What the Page has of its own stays.")
    if not visit.yes and not await agreed(visit.io, "   Set this on the Page?"):
        visit.io.show("   Left as it is. Without Get Started a newcomer's link does not bring its token.")
        return
    refused = await visit.page_admin.set_screen(visit.page.id, wish)
    if refused is not None:
        raise visit.halt(refused)
    visit.io.show("   Set. It may take Meta up to 24 hours to show it to everybody.")


def _wish(visit: Visit, there: Screen) -> Screen:
    """Only what is missing: what somebody wrote for the Page is not ours to replace."""
    assert visit.page is not None
    brands = visit.catalogue.brands
    brand = brands.get(visit.settings.brand) or next((one for one in brands.values() if one.name == visit.page.name), None)
    greeting, question = _WORDS.get((brand.language if brand else "en").split("_")[0], _WORDS["en"])
    words = greeting.format(name=visit.page.name)
    return Screen(
        get_started=None if there.get_started is not None else GET_STARTED,
        greeting=None if there.greeting is not None or len(words) > _GREETING_MAX else words,
        menu=() if there.menu else ((question, PERSON),),
    )


async def who_answers(visit: Visit) -> None:
    """Say whose new chats are, as far as Meta tells, and where it is changed: no call of Meta's changes it. raises: Halted"""
    visit.step(6, "Who answers", "A chat has one holder at a time. New ones go to the Page's default app.")
    assert visit.page is not None
    routing = await visit.page_admin.routing(visit.page.id)
    if isinstance(routing, Refused):
        if routing.passing:
            raise visit.halt(routing)
        visit.explain(routing)
    elif routing.default:
        visit.io.show("   New chats are yours.")
    elif routing.default is False:
        visit.io.show("   Another app is the default: what people write first is not yours to answer.")
        visit.io.show(f"   -> {_DEFAULT_APP}")
    else:
        visit.io.show(f"   Meta does not say whose new chats are. Look yourself: {_DEFAULT_APP}")
    visit.io.show(f"   -> {_MAY_TAKE}")
    apps = await visit.page_admin.subscribers(visit.page.id)
    if not isinstance(routing, Refused) and not isinstance(apps, Refused) and (machines := routing.machines(apps)):
        visit.io.show(f"   {', '.join(machines)} may take chats as well.")
    visit.io.show(f"   -> {_ASSISTANT}")
