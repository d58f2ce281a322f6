"""The parts of the FHIR R4 bundle of a case (`as_fhir.bundle`); docs/fhir.md says what stands where."""
