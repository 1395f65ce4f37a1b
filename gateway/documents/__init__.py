"""Boarding passes, tickets and receipts: what they show, how they look, and what wallets and calendars are given of them.

An event either brings the issuer's own document, which is passed on as it is, or the data of one. Of data we make a `Paper`
(paper.py): everything a document may show, structured, in no language yet. From a paper come, each by its own module and all of
them pure: a picture made for a phone screen, a page to print, a wallet pass, a wallet link, a calendar entry, and the page behind
the link in the message. Layouts and their words are data (templates/layouts/), beside the notifications that carry the documents.

A barcode's content is the issuer's: it is drawn and never composed here, except where a carrier lets us build unsigned passes
(bcbp.py). It opens a booking, so it is personal like a name: sealed at rest, in no log, file name or URL. Every symbol is read
back and compared before it leaves; one that does not read is an error, never a document.

Drawing takes tens of milliseconds of a processor. It happens in threads of its own, a few at a time, and never on the event loop.
"""
