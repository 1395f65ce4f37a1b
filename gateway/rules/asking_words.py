"""The words by which somebody at home asks for the state of a journey, by language: what rules/asking.py puts into patterns.

Each word or phrase stands under one letter, its part in a question. Phrases are looked for first, the longest before shorter
ones. Everything is written as `plain` leaves it: lower case, no accents, apostrophes and dashes as spaces.

    w where         t when               b is, are            h has, will, do      x what
    p they  q it    n the aircraft       m one's own people   d the, their  D my     o of, for
    l land, arrive  g leave              u under way          j late, on time      f fly, run
    k come, r on    (two words of one verb: "kommt ... an")   R there              i in, at (before a place)
    z status        v news               e time of arrival    G how is (a flight)  F how far is  K how late
    a is there any  Q there is           c and                C whether            E est-ce que
    y now, yet, still                    . courtesies         these two may stand anywhere

A word of two letters stands for two words ("wheres" = where is). What is missing here is no oversight to be mended by guessing:
a text with a word that is not listed goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping

_EVERYWHERE = {
    ".": "hi, hey, hello, hallo, hoi, ok, okay, oke, pls, thx, xx, xxx, x, hm, hmm, eh, please, thanks, merci, sorry, info",
    "z": "status",
    "e": "eta",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "w": "waar, waa, war, wr, waar ergens, in welk land",
        "t": (
            "wanneer, waneer, wnr, hoe laat, hoelaat, om hoe laat, vanaf hoe laat, tegen hoe laat, rond hoe laat, "
            "welke tijd, hoe lang nog voor, hoe lang duurt het nog voor, hoe lang nog voordat, hoe lang duurt het nog "
            "voordat, hoe lang nog tot, hoe lang duurt het nog tot"
        ),
        "b": "is, zijn, isz, blijft, hangt, was, waren",
        "h": "heeft, heft, hebben, zal, zullen, gaat, gaan, moet, moeten, wordt, worden, zou, zouden, kan, doet, doen",
        "x": "wat, wa, hoe",
        "p": "ie, ze, zij, hij, die, dat ding",
        "q": "het, t",
        "bp": "istie, issie, isie",
        "n": "vlucht, vluchtje, vliegtuig, vliegtuigje, vliegmachine, toestel, kist, trein, vliegtuug",
        "m": (
            "mama, mamma, mam, moeder, papa, pappa, pap, vader, ouders, dochter, zoon, zus, zusje, broer, broertje, "
            "opa, oma, man, vrouw, vriend, vriendin, vrienden, kind, kinderen, kids, zoontje, dochtertje, tante, oom, "
            "neef, nicht, kleinkind, kleinkinderen, partner, schat, familie, gezin, reizigers, reiziger"
        ),
        "D": "mijn, m n, mn, onze, ons",
        "d": "de, het, t, hun, haar, zijn, z n, zn, dit, deze, dat, der",
        "o": "van, voor, over, met",
        "l": (
            "landt, land, landen, landden, landde, geland, gelandt, gelanded, landing, daling, aankomst, aankomen, "
            "aankomt, aangekomen, aan komen, aankwam, arriveert, arriveren, gearriveerd, binnen, verwacht, aan de "
            "grond, op de grond, er al, al er, er bijna, bijna er, er al bijna, al bijna er, op de plaats van "
            "bestemming, ter plaatse"
        ),
        "g": (
            "vertrekt, vertrek, vertrekken, vertrokken, vertroken, opgestegen, opstijgen, opstijgt, weg, de lucht in, "
            "gestart, afgereden, weggegaan, weggevlogen, losgekomen"
        ),
        "u": "onderweg, onder weg, in de lucht, aan het vliegen, aan t vliegen, in de buurt",
        "j": (
            "vertraagd, vertraagt, vertraging, vertragingen, te laat, laat, op tijd, te vroeg, op schema, verlaat, "
            "geannuleerd, omgeleid"
        ),
        "f": "vliegt, vliegen, vlieg, rijdt, rijden",
        "k": "komt, komen, kom, stijgt, stijgen",
        "r": "aan, op",
        "R": "er",
        "i": "in, te, op, naar, uit, bij, vanuit, vanaf",
        "z": (
            "stand van zaken, laatste stand, laatste status, huidige status, actuele status, vluchtstatus, situatie, "
            "stand, update, updates"
        ),
        "v": "nieuws, nieuwtjes, laatste nieuws, bericht",
        "e": (
            "aankomst tijd, aankomsttijd, landingstijd, verwachte aankomsttijd, verwachte aankomst, vertrektijd, "
            "verwachte landing, verwachte vertrektijd"
        ),
        "K": "hoeveel vertraging, hoe veel vertraging",
        "G": "hoe staat het met, hoe gaat het met, hoe is het met, hoe staat t met",
        "F": "hoe ver is, hoe ver zijn",
        "C": "of",
        "a": (
            "een, is er, is er al, is er nog, al, heb je, heeft u, hebben jullie, heb je al, heeft u al, hebben "
            "jullie al, enig, nog, wat is het, wat is er, al wat"
        ),
        "c": "en, of",
        "y": (
            "nu, al, nou, nog, net, reeds, eindelijk, inmiddels, ondertussen, intussen, momenteel, precies, ongeveer, "
            "ergens, op dit moment, op het moment, vandaag, vanavond, vanmiddag, vanochtend, vannacht, straks, zo, "
            "zometeen, bijna, nog niet, niet, wel, eigenlijk, toch, dan, gewoon, nog steeds, naar verwachting, exact, "
            "ook, veilig, goed"
        ),
        ".": (
            "goedemorgen, goedemiddag, goedenavond, goedendag, dag, heb een vraag, ik heb een vraag, vraagje, weet "
            "je, weet u, weten jullie, weet jij, weet iemand, kun je zeggen, kunt u zeggen, kunnen jullie zeggen, kun "
            "je me zeggen, kunt u me zeggen, kunt u mij zeggen, kunnen jullie me zeggen, kun je vertellen, kunt u "
            "vertellen, kunnen jullie vertellen, kun je me vertellen, kunt u me vertellen, kunt u mij vertellen, "
            "kunnen jullie me vertellen, ik wil weten, ik wil graag weten, ik wilde weten, ik wou weten, mag ik "
            "weten, graag, aub, a u b, alstublieft, svp, alsjeblieft, alsjeblief, bedankt, dank je, dank u, dank je "
            "wel, dank u wel, dankjewel, alvast bedankt, groetjes, joehoe, ben benieuwd, ik ben benieuwd, zeg, kan "
            "iemand zeggen, ik vraag me af, even, ff, effe, gr, groet, ha"
        ),
    },
    "en": {
        "w": "where, wher, wheer, were, whereabouts, where abouts, where exactly",
        "t": (
            "when, wen, wehn, whn, what time, wat time, at what time, which time, around what time, how long until, "
            "how long till, how long before, how much longer until, how much longer till, how soon, when exactly"
        ),
        "b": "is, are, s, r, re, iz, be, been, being, was",
        "h": (
            "has, have, had, did, does, do, will, ll, would, should, hasn t, hasnt, haven t, havent, didn t, didnt, "
            "doesn t"
        ),
        "x": "what, wat, whats the, how",
        "wb": "wheres, where s",
        "tb": "whens, when s",
        "xb": "whats, what s, hows, how s",
        "p": "they, she, he, them",
        "q": "it",
        "n": "flight, flights, plane, airplane, aeroplane, aircraft, jet, train, flite, flihgt",
        "m": (
            "mum, mom, mummy, mommy, mam, mother, dad, daddy, father, parents, daughter, son, sister, brother, "
            "grandma, grandpa, granny, grandad, husband, wife, partner, boyfriend, girlfriend, friend, friends, kids, "
            "children, child, aunt, uncle, cousin, niece, nephew, family, folks, grandmother, grandfather, sis, bro, "
            "traveller, travellers"
        ),
        "D": "my, our",
        "d": "the, their, her, his, this, that, teh, a, an",
        "o": "of, for, about, on, with, from, s",
        "l": (
            "land, lands, landed, landing, landin, lander, touch down, touched down, touchdown, arrive, arrives, "
            "arrived, arriving, arival, arrival, get in, gets in, got in, getting in, come in, due, due in, expected, "
            "supposed, scheduled, there yet, there already, on the ground, nearly there, almost there, to land, to "
            "arrive, get there, gets there, got there, getting there, make it there, made it there, reach, reached"
        ),
        "g": (
            "leave, leaves, left, leaving, depart, departs, departed, departing, departure, take off, takes off, took "
            "off, taken off, taking off, takeoff, gone, go, going, airborne, set off, in the air yet"
        ),
        "pb": "shes, hes, theyre",
        "qb": "its",
        "C": "if, whether",
        "F": "how far is, how far are, how far s",
        "u": (
            "on the way, on its way, on their way, on her way, on his way, in the air, en route, flying, up in the "
            "air, airbourne, in flight, still flying"
        ),
        "j": (
            "late, delayed, delay, delays, on time, ontime, early, on schedule, delaid, behind schedule, cancelled, "
            "canceled, diverted, running late, running on time"
        ),
        "f": "flying over",
        "i": "in, at, to, from, over, near",
        "R": "there",
        "z": (
            "status, state, current status, latest status, flight status, latest, the latest, situation, update, "
            "updates"
        ),
        "v": "news, word, latest news",
        "e": (
            "arrival time, landing time, expected arrival time, estimated arrival time, departure time, eta, expected "
            "arrival, estimated arrival, time of arrival, estimated time of arrival"
        ),
        "K": "how late, how delayed, how much delay, how big a delay",
        "G": "how is, how s, hows, how are things with, how is it going with",
        "a": (
            "is there, is there any, are there, are there any, any, do you have, do you have any, have you got, have "
            "you got any, got, got any, have you any"
        ),
        "c": "and, or",
        "y": (
            "at now, at all, running, "
            "now, already, yet, still, just, right now, at the moment, currently, finally, exactly, roughly, "
            "approximately, about now, at this moment, today, tonight, this evening, this afternoon, this morning, "
            "soon, presently, so far, not, n t, ever, actually, even, then, nearly, almost, safely, ok by now, by "
            "now, at present, too, on earth, again"
        ),
        ".": (
            "good morning, good afternoon, good evening, dear, could you tell me, can you tell me, can you say, would "
            "you know, can you please tell me, could you please tell me, tell me, please tell me, do you know, does "
            "anyone know, any idea, any idea of, do you know yet, do u know, can u tell me, i want to know, i would "
            "like to know, i d like to know, i d love to know, just wondering, i wonder, wondering, i was wondering, "
            "may i ask, can i ask, can i know, may i know, quick question, question, kindly, thank you, many thanks, "
            "cheers, ta, hiya, excuse me, do we know, so, well, um, err, hey there, hi there, hello there, u"
        ),
    },
    "de": {
        "w": "wo, wo genau, woh",
        "t": (
            "wann, wan, um wie viel uhr, um wieviel uhr, wie viel uhr, wieviel uhr, um welche zeit, wie lange noch "
            "bis, ab wann, wie lange dauert es noch bis, gegen wie viel uhr, gegen wann, bis wann"
        ),
        "b": "ist, sind, is, sin, ists, bleibt, steckt, befindet sich, befinden sich",
        "h": "hat, haben, wird, werden, soll, sollen, sollte, hatte, kann, muss",
        "x": "was, wie, welchen, welche",
        "p": "er, sie, die beiden, der, die, das",
        "q": "es",
        "n": "flug, flieger, flugzeug, maschine, zug, flugzeg, fluegzeug, jet",
        "m": (
            "mama, mutti, mami, mutter, papa, papi, vater, eltern, tochter, sohn, schwester, bruder, oma, opa, mann, "
            "frau, freund, freundin, freunde, kind, kinder, kindern, tante, onkel, enkel, enkelin, familie, partner, "
            "partnerin, lieben, geschwister, reisende, reisenden, cousin, cousine"
        ),
        "D": "mein, meine, meiner, meinem, meinen, meines, unser, unsere, unserer, unserem",
        "d": "der, die, das, den, dem, des, ihr, ihre, ihrer, ihrem, sein, seine, seiner, dieser, diese, deren",
        "o": "von, vom, fur, fuer, mit, zu, zum, uber, ueber",
        "l": (
            "landet, landen, gelandet, landung, landete, ankunft, ankommt, ankommen, angekommen, angekomen, "
            "eingetroffen, eintrifft, eintreffen, erwartet, schon da, bereits da, bald da, gleich da, am boden, "
            "unten, trifft ein, fast da, endlich da"
        ),
        "g": (
            "startet, starten, gestartet, abflug, abfliegt, abfliegen, abgeflogen, abgehoben, abheben, abhebt, weg, "
            "abgefahren, abfahrt, losgeflogen, losgefahren, losfliegen, los, abreise, abgereist"
        ),
        "u": "unterwegs, in der luft, auf dem weg, am fliegen, im flug, im anflug",
        "j": (
            "verspatet, verspatung, verspaetung, verspaetet, punktlich, puenktlich, zu spat, spat, spaet, zu spaet, "
            "im plan, planmassig, zu fruh, verfruht, im zeitplan, annulliert, gestrichen, umgeleitet, verspatungen"
        ),
        "f": "fliegt, fliegen, fahrt, faehrt, fahren",
        "k": "kommt, kommen, komt, fliegt, fahrt, hebt, heben, fliegen",
        "r": "an, ab, los",
        "R": "da, dort",
        "i": "in, aus, nach, bei, uber",
        "C": "ob",
        "F": "wie weit ist, wie weit sind",
        "z": (
            "update, updates, status, stand, aktueller stand, der stand der dinge, stand der dinge, lage, aktuelle "
            "lage, flugstatus, aktueller status, aktuelle status"
        ),
        "v": "neues, neuigkeiten, neuigkeit, nachrichten, news, neuer stand",
        "e": (
            "ankunftszeit, landezeit, voraussichtliche ankunft, voraussichtliche ankunftszeit, voraussichtliche "
            "landung, abflugzeit, geplante ankunft, ankunftzeit"
        ),
        "K": "wie viel verspatung, wieviel verspatung, wie viel verspaetung, wie verspatet",
        "G": "wie steht es um, wie steht es mit, wie lauft es mit, wie sieht es aus mit, wie siehts aus mit",
        "a": (
            "gibt es, gibts, gibt s, gibt es schon, gibts schon, gibt s schon, was, haben siehoeflich, hast du, habt "
            "ihr, schon, irgendwelche, irgendein, etwas, eine, gibt es was, gibts was, gibt s was, gibt es etwas"
        ),
        "c": "und, oder",
        "y": (
            "jetzt, nun, schon, bereits, noch, gerade, grad, grade, momentan, endlich, denn, eigentlich, genau, "
            "ungefahr, etwa, im moment, zur zeit, derzeit, aktuell, heute, heute abend, heute nacht, bald, gleich, "
            "noch nicht, nicht, mal, so, inzwischen, mittlerweile, immer noch, wohl, auch, eben, ja, nur, gut, "
            "sicher, bloss, voraussichtlich, nochmal"
        ),
        ".": (
            "guten morgen, guten tag, guten abend, moin, servus, gruss gott, grussgott, frage, eine frage, ich habe "
            "eine frage, kurze frage, wissen siehoeflich, weisst du, wisst ihr, weiss jemand, konnen siehoeflich mir "
            "sagen, konnt ihr mir sagen, kannst du mir sagen, konnten siehoeflich mir sagen, konnten siehoeflich mir "
            "bitte sagen, kannst du sagen, konnen siehoeflich mir bitte sagen, konnt ihr sagen, ich mochte wissen, "
            "ich wurde gern wissen, ich wurde gerne wissen, ich wollte wissen, darf ich fragen, ich frage mich, "
            "bitte, danke, vielen dank, danke schon, dankeschon, gruss, lg, sag mal, sagen siehoeflich mir, sagt mal, "
            "tag, na, wisst ihr schon, danke im voraus, ihr lieben"
        ),
    },
    "fr": {
        "w": "ou, ou ca, ou exactement, ou donc, dans quel pays",
        "t": (
            "quand, quant, qand, kan, a quelle heure, a quel heure, a qu elle heure, vers quelle heure, quelle heure, "
            "dans combien de temps, vers quel heure, c est quand que, ds combien de temps"
        ),
        "b": "est, sont, es, son, soit, en est, en sont, etait",
        "h": "a, ont, va, vont, doit, doivent, devrait, devraient, aura, auront",
        "x": "quel, quelle, quels, c est quoi, quoi",
        "p": "ils, elle, elles, ca, cela",
        "q": "il",
        "n": "vol, avion, lavion, levol, train, tgv, appareil, zinc",
        "m": (
            "maman, mere, papa, pere, parents, fille, fils, soeur, frere, mamie, papi, papy, mari, femme, copain, "
            "copine, ami, amie, amis, enfants, enfant, tante, oncle, cousin, cousine, famille, compagnon, compagne, "
            "petits enfants, voyageur, voyageurs, grand mere, grand pere, conjoint"
        ),
        "D": "mon, ma, mes, notre, nos",
        "d": "le, la, l, les, leur, leurs, son, sa, ses, ce, cet, cette, du, des",
        "o": "de, d, du, pour, sur, avec, concernant",
        "l": (
            "atterrit, atterri, atteri, atterir, atterrir, atterrissent, aterri, aterrir, atterris, atterrie, "
            "atterriront, aterrit, atterrira, atterrissage, aterrissage, se pose, se posent, pose, poses, posee, "
            "posees, se poser, s est pose, se sont poses, arrive, arrivent, arriver, arrivee, arrives, arrivees, "
            "arrivera, arriveront, attendu, attendue, attendus, prevu, prevue, deja la, au sol, bientot la, a terre, "
            "arivee, ariver, arrivez a destination, arrive a destination, a destination"
        ),
        "g": (
            "part, partent, parti, partie, partis, parties, partir, partira, partiront, decolle, decollent, decoller, "
            "decolles, decollage, depart, decolera, decollera, dekole, decole, decolee, decollee, envole, s envole, "
            "en route pour partir"
        ),
        "u": "en route, en chemin, en vol, en l air, dans les airs, en train de voler, dans le ciel",
        "j": (
            "en retard, du retard, de retard, retard, retarde, retardee, retardes, a l heure, a lheure, en avance, "
            "annule, annulee, devie, dans les temps, un retard, le retard"
        ),
        "f": "vole, volent, roule, survole",
        "i": "a, en, au, vers, de, pour",
        "R": "la",
        "z": "statut, etat, situation, point sur la situation, mise a jour, maj",
        "v": "nouvelles, nouvelle, news, info, infos, information, informations, actualites, du nouveau, du neuf",
        "C": "si, s",
        "Q": "il y a, y a",
        "e": (
            "heure d arrivee, heure d atterrissage, heure de depart, heure darrivee, heure prevue d arrivee, heure d "
            "arrivee prevue, heure du vol, arrivee prevue"
        ),
        "K": "combien de retard, quel retard",
        "G": "ou en est on avec, ca en est ou avec",
        "a": (
            "y a t il, y a til, est ce qu il y a, des, une, avez vous, vous avez, as tu, tu as, t as, de, de la, "
            "auriez vous"
        ),
        "E": "est ce que, est ce qu, esque, est que, esce que, c est que, est ce",
        "c": "et, ou bien",
        "y": (
            "maintenant, actuellement, deja, bien, encore, enfin, exactement, precisement, environ, en ce moment, la "
            "maintenant, pour l instant, a l instant, aujourd hui, aujourdhui, ce soir, cet apres midi, ce matin, "
            "cette nuit, bientot, pas, pas encore, toujours, toujours pas, finalement, donc, alors, vraiment, la tout "
            "de suite, presentement, n, ne, t, aussi, a peu pres, desormais, presque"
        ),
        ".": (
            "bonjour, bonsoir, salut, coucou, rebonjour, re, svp, stp, s il vous plait, s il te plait, merci d "
            "avance, merci beaucoup, savez vous, sais tu, tu sais, vous savez, sait on, est ce que vous savez, pouvez "
            "vous me dire, pourriez vous me dire, peux tu me dire, vous pouvez me dire, tu peux me dire, pouvez vous "
            "dire, dites moi, dis moi, je voudrais savoir, je veux savoir, j aimerais savoir, je souhaite savoir, je "
            "voulais savoir, puis je savoir, je peux savoir, une question, petite question, question, je me demande, "
            "je me demandais, mci, cdt, cordialement, bjr, bsr, bonne journee, une idee de, une idee, excusez moi, "
            "dites"
        ),
    },
}
"""letter(s) -> words and phrases, in one text with commas"""

REAL: Mapping[str, str] = {
    "nl": (
        "aangenomen aankopen landelijk onderwerp vertrouwen vertrouwd verwaarloosd vertaling vertalen binden "
        "trouwens gelanden lander betrokken vertelt vluchten vluchtig vluchteling verlaten verplicht verdacht "
        "verwachten treinen gestuurd gestort bagage"
    ),
    "en": (
        "plant plants plate place planet plan plans planed decay statue stats trail trait trains leaver landlord "
        "landlady arrest deport deported fright freight flighty mothers fathers sisters brothers lanced expect "
        "export department delete deleted planer canceling cancel delivered delivery scheme"
    ),
    "de": (
        "annehmen angenommen angekommene abgeben abgegeben abgebrochen gestattet gewartet gestrandet gestartete "
        "lande landes flugs fluge fluges flugel maschinen eintreten eingetreten erwachsen erwarten unterweg "
        "unterlage verspatete verspielt punkte landkreis altern wartet startete starter"
    ),
    "fr": (
        "regard regards partage avions avons arrivage arreter arrete arretez decouvert departement deporter poste "
        "postes retire retirer route voler volet etat-major annuler annuaire attend attendre attends venu"
    ),
}
"""Words that are near to one of those above and mean something else: no slip of the pen."""


def table(language: str) -> dict[tuple[str, ...], str]:
    """Words of a phrase -> the letters that it stands for. What one word stands for several of ("die": it, the) has them all."""
    found: dict[tuple[str, ...], str] = {}
    for source in (_EVERYWHERE, LANGUAGES[language]):
        for letters, listed in source.items():
            for phrase in listed.split(","):
                words = tuple(phrase.split())
                if words:
                    known = found.get(words, "")
                    found[words] = known if letters in known.split("|") else f"{known}|{letters}" if known else letters
    return found
