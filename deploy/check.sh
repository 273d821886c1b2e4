#!/usr/bin/env bash
# Checks Dockerfile, compose file, alarm rules and manifests. Needs no network, no Docker daemon and no cluster.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
# Oldest and newest Kubernetes that the manifests promise to fit.
kubernetes_versions=(1.31 1.37)
manifests=(deploy/kubernetes/base deploy/kubernetes/witness)

check_dockerfile() {
    "$bin/hadolint" deploy/Dockerfile
    echo "deploy/Dockerfile: ok"
}

# Dummy secrets: the developer's own .env is neither needed nor read.
check_compose() {
    ORDER_RECORDS_SECRETS__ID_KEY=x ORDER_RECORDS_SECRETS__QUARANTINE_KEY=x \
        ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY=x ORDER_RECORDS_AUTH__HS256_SECRET=x \
        "$bin/docker-compose" --env-file /dev/null --file docker-compose.yml --profile witness config --quiet
    echo "docker-compose.yml: ok"
}

# The validator only warns about a kind it has no schema for, so any word from it is a failure.
check_manifests() {
    local folder=$1 objects complaints version
    objects=$(kubectl kustomize "$folder")
    for version in "${kubernetes_versions[@]}"; do
        complaints=$("$bin/kubernetes-validate" --strict --quiet -k "$version" - <<<"$objects") || true
        if [[ -n $complaints ]]; then
            echo "$complaints" >&2
            return 1
        fi
    done
    echo "$folder: ok (Kubernetes ${kubernetes_versions[*]})"
}

check_alerts() {
    promtool check rules deploy/alerts.yml >/dev/null
    echo "deploy/alerts.yml: ok"
}

check_dockerfile
check_compose
if command -v promtool >/dev/null; then
    check_alerts
else
    echo "deploy/alerts.yml: skipped, promtool is not on this machine (tests/unit/test_alerts.py holds its figures)"
fi
if command -v kubectl >/dev/null; then
    for folder in "${manifests[@]}"; do
        check_manifests "$folder"
    done
elif [[ ${CI:-} == true ]]; then
    echo "${manifests[*]}: not checked, kubectl is missing (it must be there in CI)" >&2
    exit 1
else
    echo "${manifests[*]}: skipped, kubectl is not on this machine"
fi
