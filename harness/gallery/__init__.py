"""The gallery of bad shops: which are flown in which scenarios, whether the judge caught them, and the page that says so."""
