"""Files of data: tables in text and arrays of NumPy."""
