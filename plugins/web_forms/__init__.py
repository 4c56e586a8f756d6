"""Forms on websites: who fills one in is a lead."""
