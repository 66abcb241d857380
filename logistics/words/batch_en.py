"""Sentences of batches, in English."""

BATCH: dict[str, str] = {
    "batch.plan": "{count} runs, {found} of them done before",
    "batch.plan.one": "1 run, {found} of them done before",
    "batch.progress": "done {done}, failed {failed}, remaining {remaining}, {eta}",
    "batch.eta": "about {minutes} min to go",
    "batch.no_eta": "no estimate yet",
    "batch.waiting": "another batch is writing in {folder}; waiting until it is done",
    "batch.failed_run": "{scenario} failed: {reason}",
    "batch.refused": "{name} cannot be read; the other runs are done without it",
    "batch.summary": "{done} runs have an outcome, {failed} failed, {remaining} were not run: {folder}",
    "batch.stop_disk": "the disk takes no more; make room and run the same command again",
    "batch.stop_lost": "the workers are gone; run the same command again, it goes on where this one stopped",
    "batch.interrupted": "stopped; what is done stays in {folder}, the same command goes on from there",
    "batch.jobs_capped": "{jobs} jobs on {cores} cores would only get into each other's way; using {cores}",
}
