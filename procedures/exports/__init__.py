"""What leaves Kypho: read models in, bytes out (docs/exports.md). Only `journal.py` writes; none knows a request.

| file                                | makes                                                                 |
|-------------------------------------|-----------------------------------------------------------------------|
| as_pdf.py, document.py, blocks.py   | the record of a case as PDF/A                                         |
| typeset.py, record.typ, fonts/      | the program that lays it out                                          |
| glyphs.py                           | what of a text these fonts cannot draw                                |
| as_fhir.py, fhir/                   | the record of a case as a FHIR R4 bundle                              |
| as_csv.py, as_xlsx.py               | tables of any length, page by page                                    |
| tables.py, columns.py, sides.py     | which columns a table has: one row a case, or a vertebra and side     |
| loading.py, uses.py, lots.py        | what a table reads; what was used; who got lot KX-20931               |
| journal.py                          | who took what away, by which right; how far it has come               |
"""
