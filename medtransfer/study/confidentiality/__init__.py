"""De-identification: what may identify a patient leaves a file, its pixels stay as they are.

DICOM follows the Basic Application Level Confidentiality Profile of PS3.15 Annex E, whose table E.1-1 (edition 2024b)
is ``table-e1-1.csv``. Text that is burned into pixels is not looked for: files that may hold some are held back by
what their headers say.
"""
