"""The door of published repositories."""

from hostile import configurations, repository_files, repository_values
from hostile.door import IN_PROCESS, UNTRACKED, Door, served, words
from hostile.repository_made import copied

REPOSITORY = "{case}/in/repository"
READ = {
    "select": words("select", REPOSITORY, "--objective", "images_per_s"),
    "compare": words("compare", "{case}/base/repository", REPOSITORY),
    "plan": words("plan", "planner=[sponge,trivial]", f"repository={REPOSITORY}", "demand_rps=20", "output=plan.json"),
    "simulate": words(
        "simulate", f"repository={REPOSITORY}", "load={mean_rps: 20, seconds: 5}", "policy=largest", "output=out"
    ),
    "lint": words("lint", REPOSITORY),
    "convert": words(
        "convert", REPOSITORY, "kserve", "--target", "local_cpu", "--output", "out", "--storage-uri", "s3://b/m"
    ),
    "verify": words("verify", REPOSITORY, "--variants", "1"),
    "others": words(
        "stage=publish", f"publish.merge_from=[{REPOSITORY}]", UNTRACKED, IN_PROCESS, "workspace={case}/ws"
    ),
}
SERVE = served("serve", REPOSITORY, "--http-port", "18000", "--grpc-port", "18001")
ORCHESTRATE = words(
    "orchestrate", f"repository={REPOSITORY}", "load={mean_rps: 5, seconds: 1}", "policy=smallest", "output=out"
)
door = Door("repository", copied, {**READ, "serve": SERVE, "orchestrate": ORCHESTRATE}, parts=("base",))
for inputs in (
    repository_values.whole,
    repository_values.values,
    repository_values.texts,
    configurations.inputs,
    repository_files.inputs,
):
    door.add_all(inputs())
