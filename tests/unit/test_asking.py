"""Which texts ask how the journey stands, in four languages: those that do, and those that a person must read."""

import pytest

from gateway.rules.asking import LONGEST, Names, asks

JOURNEY = Names(("ZZ 1007", "ZZ1007", "1007"), ("London Heathrow", "London", "Londen", "Londres", "LHR", "Amsterdam", "AMS"))

ASKING = {
    "nl": """
        istie al geland
        hoeveel vertraging heeft ze
        is ze al in Londen
        waar is het vliegtuig nu
        Waar is ie nu?
        waar zijn ze nu
        waar is mama nu?
        Weet je waar ze zijn?
        hoe laat landen ze
        hoe laat landt het vliegtuig?
        Wanneer landt ze
        wnr landen ze??
        wanneer landden ze
        hoelaat komt ze aan
        hoe laat komt de vlucht aan in Londen
        is ze al geland
        zijn ze al geland?
        is het vliegtuig al vertrokken
        Is ZZ1007 al vertrokken?
        vertrokken?
        al geland?
        heeft de vlucht vertraging?
        is er vertraging
        is de vlucht op tijd
        status?
        Wat is de status van de vlucht?
        Hoi! Is ze al onderweg? 🙏
        wanner is het vliegtuig geland
        waar is het vliegtug
        waar vliegt ze nu
        vliegen ze al
        landen ze al
        Goedemorgen, kunt u mij zeggen hoe laat mijn dochter landt?
        wat is de verwachte aankomsttijd
        hoe laat is ze er
        zijn ze er al?
        hoe staat het met de vlucht
        WAAR IS HET VLIEGTUIG
        waaar is het vliegtuiggg nuuu
        nog nieuws?
        is er al nieuws over de vlucht
        Zijn papa en mama al geland
        Is de vlucht van mijn dochter al vertrokken?
        ik wil graag weten hoe laat ze aankomt
        weet u of ze al geland zijn
        waar is hij nu ergens ✈️
        is die al weg
        heeft het toestel al vertrokken
        hoe laat wordt de vlucht verwacht
        is de trein al vertrokken
        hoe lang duurt het nog voor ze landen
        ze is toch al geland?
        wanneer arriveert de vlucht
        eta?
        is ze veilig geland?
        Is het vliegtuig al opgestegen
        stijgt ze al op
        vluchtt al geland?
    """,
    "en": """
        is ZZ 1007 still delayed?
        ZZ1007?
        flight status please
        how late is it
        where is she at now
        where is it now
        where is it
        Where are they now?
        wheres the plane
        where's the flight
        wher is the plane
        were is the plane now
        when do they land
        when does it land?
        What time does she land
        what time will they arrive
        when is she due to land
        whens the flight landing
        has it left yet
        Has she left?
        have they taken off
        has the plane departed
        is it delayed
        is the flight on time?
        landed yet?
        landed?
        have they landed
        has ZZ 1007 landed in London yet?
        any news
        any news on the flight?
        what's the status
        status please
        eta
        what is the ETA
        do you know when they land?
        can you tell me where the plane is
        Could you please tell me what time my daughter's flight lands
        is it in the air yet
        are they on the way?
        WHERE IS IT
        whereee is it nowww
        when is teh plane landing
        wen does it land
        has the flihgt landed
        how far are they
        hi! has mum's plane landed 😊
        did they land safely
        has his flight arrived
        do you know if they have landed
        they have landed?
        is he there yet
        where abouts is the plane now
        when will they be there
        how long until they land
        where is my son's plane now
        when is it arrivng
        has it departd
        hello, where is the plane? thanks!
        where is it and when does it land?
        is there a delay
        just wondering when they land
        is it late
        what time is it landing
        has dad landed
    """,
    "de": """
        wie viel Verspätung hat der Flug
        ist der Flieger pünktlich gestartet
        wo ist der Flieger
        Wo ist er jetzt?
        wo sind sie gerade
        Wo ist Mama jetzt
        wann landet sie
        Wann landen sie?
        um wie viel Uhr landet der Flug
        um wieviel uhr kommt er an
        wann kommen sie an
        Wann kommt der Flug in London an?
        ist sie schon gelandet
        sind sie schon gelandet?
        schon gelandet?
        ist der Flug schon gestartet
        Ist das Flugzeug schon abgeflogen?
        ist er schon los
        hat der Flug Verspätung?
        Hat er Verspaetung
        gibt es Verspätung
        ist der flug pünktlich
        Status?
        Wie ist der Status
        gibt es was Neues?
        gibts neuigkeiten zum Flug
        wo fliegt er gerade
        fliegen sie schon
        landet sie bald
        wan landet er
        wann landett die maschine
        wo ist das flugzueg
        Guten Tag, können Sie mir sagen, wann meine Tochter landet?
        Wissen Sie, wo das Flugzeug ist?
        wie weit ist der flug
        sind sie schon in der Luft
        ist ZZ1007 schon gelandet
        WO IST DER FLUG JETZT
        sind sie schon da?
        wann sind sie da
        wann ist die landung
        was ist die voraussichtliche ankunftszeit
        wisst ihr ob sie schon gelandet sind
        ist der Flug meiner Tochter schon gelandet?
        hebt er gleich ab
        ist sie gut gelandet
        wie lange dauert es noch bis sie landen
        sie sind gelandet?
        ist der zug schon abgefahren
        wo steckt der Flieger 😅
        Ist Papa schon angekommen?
        angekomen?
    """,
    "fr": """
        ils sont où là
        combien de retard a le vol
        où est l'avion
        Où est-il maintenant ?
        ou est l avion
        où sont-ils
        il est où
        ils sont où maintenant ?
        il est où l'avion
        l'avion est où
        où en est le vol ?
        ils en sont où
        quand est-ce qu'ils atterrissent
        quand atterrit l'avion
        quand est ce qu'elle atterrit
        à quelle heure atterrit-il ?
        a quelle heure ils arrivent
        ils arrivent quand
        elle atterrit à quelle heure
        l'avion a atterri ?
        a-t-il atterri
        est-ce que l'avion a atterri
        est ce que le vol est parti
        est-il parti ?
        l'avion est parti ?
        ils sont arrivés ?
        le vol a du retard ?
        est-ce que le vol a du retard
        est-il à l'heure
        l'avion a-t-il décollé
        a-t-elle décollé ?
        déjà atterri ?
        des nouvelles ?
        avez-vous des nouvelles du vol
        savez-vous où est l'avion ?
        pouvez-vous me dire à quelle heure arrive le vol de ma fille
        Bonjour, où est l'avion svp
        quelle est l'heure d'arrivée prévue
        statut du vol ?
        ou est lavion
        est ce que l avion a aterri
        quand arrive maman
        maman est arrivée ?
        le vol ZZ1007 est parti ?
        ils sont en vol ?
        OÙ EST L'AVION
        savez vous s'il a atterri
        dans combien de temps ils arrivent
        y a-t-il du retard
        ils sont bien arrivés ?
        ils sont déjà là ?
        quand partent-ils
        l'avion atterrit quand à Londres
        quand est-ce que l'avion décolle
    """,
}

NOT_ASKING = {
    "nl": """
        waar is mijn trein
        hoe laat is het daar
        waar is onze vlucht
        wat kost het
        halen ze de overstap
        is papa mee
        leeft ze nog
        waar is mijn koffer
        waar is haar koffer
        ik wil mijn geld terug
        wanneer krijg ik mijn geld terug
        waar kan ik parkeren
        waar parkeer ik
        stop
        Stop met deze berichten
        waar is Sophie
        is Anna al geland
        klootzakken
        waar is dat klote vliegtuig
        is ze ziek geworden
        mijn dochter is epileptisch
        heeft ze haar medicijnen
        ze zijn geland
        Ze zijn geland!
        het vliegtuig is vertrokken
        Nu landen ze
        hoe laat is het
        waarom is hij te laat
        waar ben je
        wie is dit
        welke stoel heeft ze
        wat is haar boekingsnummer
        zit Jan ook in het vliegtuig
        is mijn man aan boord
        wanneer landen we
        bedankt
        ok
        hallo
        hoe gaat het
        wanneer vertrekken jullie
        Is ze al geland? Ze neemt haar telefoon niet op
        is de vlucht omgeboekt
        kan ik haar ophalen
        bij welke band komt de koffer
        hoe laat moet ik op Schiphol zijn
        waar kan ik ze opwachten
        ik ben bang
        is het vliegtuig neergestort
        wanneer komt ze thuis
        waar zit ze
        waar is mijn geld
        vertrouwen ze het
        is ze al aangenomen
        waar is de uitgang
        laat maar
        wanneer landt de volgende vlucht
        🧳
        waar is 🧳
        waar is ze 🧳
        te laat
        afmelden
        geen idee waar ze is
    """,
    "en": """
        where is my train
        when does my flight leave
        what time is it there
        what is my eta
        is she dead
        will they make the connection
        how is mum
        location
        status of my refund
        is she coming home
        where does she sit
        where is my suitcase
        where is her bag
        I want a refund
        when do I get my money back
        where do I park
        where can i park
        stop
        STOP
        where is Sophie
        has Anna landed
        you idiots
        where is the damn plane
        this is a disgrace
        is she sick
        my daughter has epilepsy
        does he have his insulin
        they have landed
        They have landed!
        the plane has left
        leave it
        what time is it
        why is it late
        where are you
        who is this
        which seat is she in
        what is their booking code
        is Tom on the plane too
        is my husband on board
        when do we land
        thanks
        ok
        hello
        how are you
        when do you open
        Has she landed? She is not answering her phone
        can I pick her up
        which belt is the luggage on
        which terminal do they arrive at
        when does check-in close
        I am scared
        did the plane crash
        when does she come home
        where is my refund
        can you call me
        when does the next flight leave
        where is the exit
        call me when they land
        let me know when it lands
        never mind
        on time
        delayed again
        it is late
        is it safe
        is she alone
        is he ok
        where is the plane now 🤬
        was anybody hurt
        has my husband boarded
        are you there
        we landed
        I left
        what is going on
        where is it 🧳
        unsubscribe
    """,
    "de": """
        wo ist mein Zug
        wie viel Uhr ist es da
        ist er tot
        schaffen sie es
        ist Oma dabei
        wie geht es Mama
        wo ist mein Koffer
        wo ist ihr Gepäck
        ich will mein Geld zurück
        wann bekomme ich mein Geld
        wo kann ich parken
        stopp
        wo ist Sophie
        ist Anna schon gelandet
        ihr Idioten
        wo ist der verdammte Flieger
        ist sie krank
        meine Tochter hat Epilepsie
        hat er sein Insulin dabei
        sie sind gelandet
        Sie sind gelandet!
        der Flug ist gestartet
        Jetzt ist er gelandet
        wie spät ist es
        warum ist er zu spät
        wo sind Sie
        Wann öffnen Sie
        wer ist das
        welchen Sitz hat sie
        wie ist der Buchungscode
        ist Jan auch im Flugzeug
        ist mein Mann an Bord
        wann landen wir
        danke
        ok
        hallo
        wie geht es dir
        Ist sie schon gelandet? Sie geht nicht ans Telefon
        kann ich sie abholen
        an welchem Band ist der Koffer
        welches Terminal
        ich habe Angst
        ist das Flugzeug abgestürzt
        wann kommt sie nach Hause
        wo ist der Ausgang
        was ist los
        zu spät
        gestrandet
        ist sie gestrandet
        wann geht der nächste Flug
        rufen Sie mich an wenn sie landen
        abmelden
        wo bist du
        keine Ahnung wo sie ist
    """,
    "fr": """
        où est mon train
        quelle heure est-il là
        est-elle morte
        a-t-il embarqué
        comment va maman
        vient-il
        où est ma valise
        où est son bagage
        je veux un remboursement
        quand serai-je remboursé
        où puis-je me garer
        où se garer
        stop
        arrêt
        où est Sophie
        Anna a atterri ?
        bande d'idiots
        où est ce foutu avion
        elle est malade ?
        ma fille est épileptique
        a-t-il son insuline
        ils ont atterri
        Ils ont atterri !
        l'avion est parti
        quelle heure est-il
        pourquoi est-il en retard
        où êtes-vous
        qui est-ce
        quel siège a-t-elle
        quel est son code de réservation
        Jean est aussi dans l'avion ?
        mon mari est à bord ?
        quand est-ce qu'on atterrit
        merci
        ok
        bonjour
        comment ça va
        Elle a atterri ? Elle ne répond pas au téléphone
        puis-je venir la chercher
        sur quel tapis sont les bagages
        quel terminal
        j'ai peur
        l'avion s'est écrasé ?
        quand rentre-t-elle à la maison
        où est la sortie
        en retard
        il y a du retard
        à quelle heure ouvrez-vous
        prochain vol
        appelez-moi quand ils atterrissent
        désabonner
        où es-tu
        vol annulé je veux être remboursé
        regard
        info
    """,
}


def _lines(listed: str) -> list[str]:
    return [line.strip() for line in listed.splitlines() if line.strip()]


@pytest.mark.parametrize("language", ASKING)
def test_where_is_it_and_when_do_they_land_are_understood_in_ones_own_words(language: str) -> None:
    lines = _lines(ASKING[language])
    assert len(lines) >= 40
    assert [line for line in lines if not asks(line, JOURNEY)] == []


@pytest.mark.parametrize("language", NOT_ASKING)
def test_whatever_else_somebody_writes_goes_to_a_person(language: str) -> None:
    lines = _lines(NOT_ASKING[language])
    assert len(lines) >= 40
    assert [line for line in lines if asks(line, JOURNEY)] == []


@pytest.mark.parametrize("language", ASKING)
def test_one_word_more_than_the_question_makes_it_a_text_for_a_person(language: str) -> None:
    """Beside the question, or within it: a name, a matter of health, a suitcase, a number, a picture."""
    more = ("Sophie", "Peter-Jan", "insulin", "koffer", "valise", "12", "\N{LUGGAGE}", "refund", "stop")
    for line in _lines(ASKING[language])[::5]:
        words = line.split()
        for one in more:
            for text in (f"{line} {one}", f"{one} {line}", f"{line}. {one}", " ".join((*words[:2], one, *words[2:]))):
                assert not asks(text, JOURNEY), text


def test_only_this_journeys_number_and_places_are_words_of_the_question() -> None:
    for text in ("Has ZZ 1007 landed in London?", "is 1007 al in Londen", "est-elle à Londres ?", "wann landet ZZ1007 in London"):
        assert asks(text, JOURNEY), text
        assert not asks(text, Names()), text
        assert not asks(text, Names(("ZZ 1008",), ("Dublin",))), text


def test_a_slip_of_the_pen_is_forgiven_and_another_real_word_is_not() -> None:
    for text in ("where is the plaen", "wo ist das flugzueg", "waar is het vliegtyig", "où est l'aviom", "is er vertragign"):
        assert asks(text), text
    others = ("where is the plant", "where is the planet", "le regard ?", "have they handed", "ist sie gestrandet")
    for text in (*others, "zijn ze al aangenomen"):
        assert not asks(text), text


def test_a_statement_is_a_question_only_by_its_mark() -> None:
    for statement in ("they have landed", "ze zijn geland", "sie sind gelandet", "ils ont atterri", "landed", "on time"):
        assert asks(f"{statement}?"), statement
        assert not asks(statement), statement
        assert not asks(f"{statement}!"), statement


def test_a_letter_is_no_question_however_it_begins() -> None:
    assert not asks("")
    assert not asks(" \n ")
    assert not asks("?")
    assert asks("where is it?" * (LONGEST // 12))
    assert not asks("where is it?" * (LONGEST // 12 + 1))
    assert not asks("is " * 53)
