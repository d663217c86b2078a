"""Use cases: collect, judge, triage, report. The one place where a defect of a part is caught and said."""
