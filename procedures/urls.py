"""The whole map, grouped by object. A command's URL is named as its verb."""

from django.urls import URLPattern, URLResolver, include, path, register_converter

from .views import (
    aftermath,
    caselog,
    cases,
    exports,
    levels,
    looks,
    manage,
    outbox,
    paper,
    patients,
    pins,
    pwa,
    record,
    scans,
    second,
    signing,
    statistics,
    steps,
    stream,
    switch,
    today,
    wall,
)


class StepKey:
    """`K09a-L1-left`: letters, digits and hyphens."""

    regex = r"[A-Za-z0-9-]{1,40}"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(StepKey, "key")

# /cases/<uuid>/steps/<key>/
step_urls = [
    path("", steps.show, name="step"),
    path("done/", steps.done, name="step-done"),
    path("mark/", steps.mark, name="step-mark"),
    path("entries/<int:seq>/", steps.entry, name="entry"),
    path("entries/<int:seq>/details/", steps.details, name="entry-details"),
    path("entries/<int:seq>/correct/", steps.correct, name="entry-correct"),
    path("entries/<int:seq>/void/", steps.void, name="entry-void"),
    path("entries/<int:seq>/verify/", second.verify, name="entry-verify"),
    path("entries/<int:seq>/reconcile/", aftermath.reconcile, name="entry-reconcile"),
    path("entries/<int:seq>/move/", aftermath.move, name="entry-move"),
]

# /cases/<uuid>/levels/
level_urls = [
    path("add/", levels.add, name="level-add"),
    path("<str:vertebra>/abandon/", levels.abandon, name="level-abandon"),
    path("<str:vertebra>/defer/", levels.defer, name="level-defer"),
    path("<str:vertebra>/reopen/", levels.reopen, name="level-reopen"),
]

# /cases/<uuid>/
case_urls: list[URLPattern | URLResolver] = [
    path("", cases.show, name="case"),
    path("stream/", stream.case, name="case-stream"),
    path("offline/", pwa.case, name="case-offline"),
    path("changes/", cases.changes, name="changes"),
    path("record/", record.show, name="record"),
    path("sign/", signing.sign, name="sign"),
    path("sign/draft/", signing.draft, name="note-draft"),
    path("note/", signing.note, name="note"),
    path("note/cosign/", signing.cosign, name="cosign"),
    path("note/cosign/move/", signing.move_cosigner, name="cosign-move"),
    path("addendum/", signing.addendum, name="addendum"),
    path("paper/", paper.show, name="case-paper"),
    path("access/", looks.accesses, name="accesses"),
    path("export/pdf/", exports.pdf, name="export-pdf"),
    path("export/fhir/", exports.fhir, name="export-fhir"),
    path("export/print/", exports.printed, name="export-print"),
    path("manage/", manage.show, name="manage"),
    path("missing/", steps.missing, name="missing"),
    path("plan/", cases.plan, name="plan"),
    path("start/", cases.start, name="start"),
    path("pause/", cases.pause, name="pause"),
    path("resume/", cases.resume, name="resume"),
    path("emergency/", cases.emergency, name="emergency"),
    path("reconcile/", aftermath.show, name="reconcile"),
    path("handover/", second.handover, name="handover"),
    path("handover/accept/", second.accept, name="handover-accept"),
    path("handover/withdraw/", second.withdraw, name="handover-withdraw"),
    path("complete/", cases.complete, name="complete"),
    path("cancel/", cases.cancel, name="cancel"),
    path("stop/", cases.stop, name="stop"),
    path("void/", cases.void, name="void-case"),
    path("team/", cases.team, name="team"),
    path("patient/", patients.correct, name="patient"),
    path("allergies/add/", patients.add_allergy, name="allergy-add"),
    path("allergies/<int:allergy_id>/withdraw/", patients.withdraw_allergy, name="allergy-withdraw"),
    path("levels/", include(level_urls)),
    path("steps/<key:key>/", include(step_urls)),
]

# /log/export/
export_urls = [
    path("", exports.ask, name="export-ask"),
    path("<uuid:pk>/", exports.show, name="export"),
    path("<uuid:pk>/file/", exports.file, name="export-file"),
]

# /unit/
unit_urls = [
    path("", pins.unit, name="unit"),
    path("reset/", pins.reset, name="unit-reset"),
    path("unlock/", pins.unlock, name="unit-unlock"),
    path("agency/", pins.agency, name="unit-agency"),
    path("end/", pins.end, name="unit-end"),
]

# /log/
log_urls = [
    path("", caselog.show, name="case-log"),
    path("find/", caselog.find, name="case-log-find"),
    path("views/save/", caselog.save_view, name="view-save"),
    path("views/<int:view>/forget/", caselog.forget_view, name="view-forget"),
]

urlpatterns = [
    path("", today.show, name="today"),
    path("stream/", stream.today, name="today-stream"),
    path("log/", include(log_urls)),
    path("switch/", switch.switch, name="switch"),
    path("lock/", switch.lock, name="lock"),
    path("act/", switch.act, name="act"),
    path("tablet/", switch.tablet, name="tablet"),
    path("outbox/", outbox.send, name="outbox"),
    path("offline/", pwa.offline, name="offline"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("service-worker.js", pwa.service_worker, name="service-worker"),
    path("pin/", pins.pin, name="pin"),
    path("unit/", include(unit_urls)),
    path("log/export/", include(export_urls)),
    path("log/lots/", looks.lots, name="lots"),
    path("paper/", paper.blank, name="paper"),
    path("wall/<str:token>/", wall.show, name="wall"),
    path("wall/<str:token>/stream/", wall.stream, name="wall-stream"),
    path("log/statistics/", statistics.show, name="statistics"),
    path("log/statistics/<slug:plot>.csv", statistics.table, name="statistics-table"),
    path("theme/", today.theme, name="theme"),
    path("products/scan/<slug:kind>/<slug:place>/", scans.read, name="product-scan"),
    path("cases/new/", cases.new, name="new-case"),
    path("cases/<uuid:pk>/", include(case_urls)),
]
