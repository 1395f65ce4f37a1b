"""Families: those at home hear that the flight left, is late, has landed, before the traveller has found the wifi.

A family belongs to one traveller of one order (`family_id`: made of the two, so that asking twice makes one). Its id is a
subject: members subscribe to it and to the legs of the journey, and the fan-out of a leg reaches them like any other subscriber.
What makes a member different is their link in the contact (`OrderLink`, role "family"): it names the family instead of the
order, has no number and no passenger, and mirrors of the traveller's own link only which legs there are, which go on from which,
what replaced what, and where a train is boarded and left. Nothing else of the booking ever reaches a member's contact, so that
no text can say it by mistake.

    invited    the traveller presses the button below their pass or ticket: a family is made, with a link and a QR picture to
               forward. A renewed link makes the one before worthless; a closed door lets nobody in; an ended family has none
    joined     a relative's own first message, by the link: their consent (purpose "family"), with that message as evidence.
               One script decides who is in (lua/family_join.lua): at most `places`, nobody whom the traveller took out, no more
               than a few in one minute - then the door closes by itself and the traveller is asked. The traveller hears who
    told       departed, late, on time again, diverted, cancelled, landed, connections, of each leg, in their own language and
               with local times: notifications with `roles: [family]`, of public facts only. A contact that also travels on that
               leg hears what travellers hear, once, and from home only what travellers are not told
    asking     "where is it now?": the newest state, its source and its age, never computed; for anything else a person, who sees
               the flight and not the booking
    following  when the traveller's own link changes (rebooked, renumbered, another order version), every member's mirrors it
    ended      24 h after the last landing, or when the traveller ends it, is erased or no longer on the order: members are told
               once and without a reason, their links go, the list is erased, and only counted facts stay

The list of members lies in the family's own partition (store/families.py), a member's link in the member's. Two partitions know
of one membership, so every change is done in an order that a killed process can do again: joining writes the list first (there
the places are counted), then the contact, then reads the list once more; leaving takes the entry first, then the link. A link
without an entry is taken by whoever looks at the family next; an entry without a link is one who joins again by the next message.
"""
