"""The engine: claims, searches, verdicts, reports, replay and pytest items; it knows no theorem."""
