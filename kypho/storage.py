"""The files of the interface, hashed and compressed; modules find each other under their hashed names."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Rewrites `import ... from "./other.js"` too."""

    support_js_module_import_aggregation = True
