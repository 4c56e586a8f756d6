"""What the formats of cells show, in each kind of spreadsheet: read beside the library, which tells numbers alone and errors as nothing."""
