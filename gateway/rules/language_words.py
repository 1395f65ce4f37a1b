"""Common words of four languages as customers write them, without accents (phrases.tokens): what a short message is made of."""

from __future__ import annotations

WORDS = {
    "nl": """
        de het een en van ik je dat die in te is niet zijn op met voor er maar om heb heeft ze hij wat dan zo ook aan bij
        als nog naar uit door over wel geen mijn mn jullie we wij hebben had waar wanneer hoe hoelang waarom wie kan kunnen
        kunt mag moet moeten wil willen zal zou worden wordt werd ben bent was waren gaat gaan komt komen doen doet deze dit
        daar hier nu vandaag morgen gisteren straks altijd nooit weer meer al toch graag alsjeblieft aub dank dankjewel
        bedankt hallo goedemorgen goedemiddag hoi dag nee ja oke groetjes trein vlucht vliegtuig perron spoor vertraging
        vertrekt vertrokken rijdt stoel kaartje kaartjes reis reizen bestelling pakket pakje bezorgd bezorging bezorger
        geleverd levering koffer tas stroom storing terug geld terugbetaling rekening adres wijzigen veranderen annuleren
        klacht vraag antwoord wacht wachten uur minuten straat huis telefoon berichtje bericht mensen iemand niemand iets
        niets alles goed slecht snel laat vroeg nieuw oud kapot kwijt verkeerde maat hulp helpen weet weten zie zien
        gekregen ontvangen gestuurd verstuurd gekocht betaald gemist krijg ons onze hun haar hem mij jou u uw zich eens even
        echt heel erg veel sinds tot tussen zonder tegen achter onder boven staat staan zit zitten ligt duurt zegt zeggen
        vind vinden denk denken snap begrijp lukt werkt naam kinderen vrouw man
    """,
    "en": """
        the a an and of to in i you it is not that this are was for on with as be at by have has had do does did but or if
        from they we he she my your our their me him her us them what when where why who how which can could would should
        will wont cant dont doesnt didnt isnt wasnt im ive youre its there here now today tomorrow yesterday again still
        already yet please thanks thank hi hello hey yes no okay sorry good morning afternoon evening just get got getting
        going go come coming came been being want need know see say said tell told think make take took give gave find found
        any some all more most nothing anything something everyone someone nobody out up down off over after before about
        into than then too very really much many one two first last next train flight plane gate platform delay delayed late
        leaves leaving left seat ticket tickets booking trip travel order parcel package delivery delivered deliver suitcase
        bag luggage power outage back money refund bill address change cancel complaint question answer wait waiting hours
        minutes street house phone message people broken lost wrong size help received sent bought paid missed because while
        since until between without against under through working works doesn says name kids wife husband time long ago ever
        never always hows lets whats wheres
    """,
    "de": """
        der die das ein eine einen einem einer und von ich du sie er es wir ihr nicht ist sind war waren in im zu zum zur
        den dem des mit auf fuer fur an am bei als noch nach aus durch ueber uber auch aber oder wenn dann so wie was wann
        wo warum wer welche welcher kann koennen konnen konnte darf muss muessen mussen will wollen wird werden wurde habe
        hat haben hatte bin bist geht gehen kommt kommen macht machen diese dieser dieses dort hier jetzt heute morgen
        gestern gleich immer nie wieder mehr schon doch gern bitte danke vielen dank hallo guten tag abend moin nein ja okay
        grusse gruss zug flug flugzeug bahnhof bahnsteig gleis verspatung verspaetung fahrt faehrt abfahrt sitzplatz platz
        fahrkarte ticket reise reisen bestellung paket packchen geliefert lieferung zugestellt zustellung koffer tasche
        strom ausfall storung stoerung zuruck zurueck geld erstattung rechnung adresse andern aendern stornieren beschwerde
        frage antwort warte warten stunde stunden minuten strasse haus handy nachricht leute jemand niemand etwas nichts
        alles gut schlecht schnell spat spaet fruh neu alt kaputt verloren falsche grosse groesse hilfe helfen weiss wissen
        sehen bekommen erhalten geschickt gekauft bezahlt verpasst uns unser unsere euer eure ihnen ihm mir mich dir dich
        sich mal echt ganz sehr viel seit bis zwischen ohne gegen hinter unter steht stehen sitzt sitzen liegt dauert sagt
        sagen finde finden denke verstehe klappt funktioniert name kinder frau mein meine meinen meinem meiner kein keine
        keinen leider endlich wurden weshalb
    """,
    "fr": """
        le la les un une des du de et a au aux en je tu il elle on nous vous ils elles ne pas est sont suis es etait etaient
        sera ce cet cette ces que qui quoi quand ou comment pourquoi combien quel quelle quels peut peux pouvez pourrait
        dois doit devez veux veut voulez voudrais ai as avons avez ont avait va vais allez vont vient venir fait faire
        faites ici maintenant aujourd hui demain hier toujours jamais encore plus deja bien svp merci beaucoup bonjour
        bonsoir salut non oui ok cordialement train vol avion gare quai voie retard part parti partir arrive arriver place
        billet billets voyage commande colis livre livraison livreur valise sac courant coupure panne retour argent
        remboursement facture adresse changer modifier annuler reclamation question reponse attends attendre attente heure
        heures minutes rue maison telephone message gens quelqu personne chose rien tout tous bon mauvais vite tard tot
        nouveau vieux casse perdu mauvaise taille aide aider sais savoir voir recu envoye achete paye rate notre votre leur
        leurs lui moi toi se son sa ses mon ma mes ton ta tes tres trop peu depuis jusqu entre sans contre derriere sous sur
        dans avec pour par mais donc car si comme chez marche fonctionne dit dire trouve trouver pense comprends nom enfants
        femme mari fils fille jours semaine mois parce alors aussi y jai cest estce ca rembourse livree arrivee annule
    """,
}
"""Language -> its words. A word that two languages share counts for both, less."""
