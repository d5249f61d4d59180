"""The passes over both kinds, put together from the parts that they share."""

import datetime
from collections.abc import Mapping

from credential_operator import (
    backups,
    binding,
    checks,
    cluster,
    controller,
    distributor,
    events,
    gate,
    installation,
    inventory,
    issuing,
    keystore,
    lending,
    publishing,
    reconcile,
    rotating,
    settings,
    sources,
    survey,
    targets,
    view,
    waiting,
)


def of_both_kinds(
    *,
    connection: cluster.Cluster,
    known: inventory.Inventory,
    asked: survey.Survey,
    catalogue: view.Catalogue,
    keyring: installation.Installation,
    checker: checks.Checker,
    queue: controller.Controller,
    chosen: settings.Settings,
) -> Mapping[str, controller.Pass]:
    """Gives the pass over each kind, for a replica that leads."""
    apart = gate.Gate()
    recorder = events.Recorder(connection, instance=chosen.identity)
    account = f"{chosen.own_namespace}:{chosen.service_account}"
    source_of = sources.Sources(
        connection, known, keyring, formats=catalogue.sources, account=account, wake=queue.wake
    )
    kept = backups.Backups(connection, clock=now)
    written = targets.Targets(connection, known, keyring, kept, queue.wake)
    issued = issuing.Issuing(
        checker=checker,
        known=known,
        keyring=keyring,
        catalogue=catalogue,
        written=written,
        cluster=chosen.cluster_name,
        clock=now,
    )
    given = distributor.Distributor(
        connection,
        known,
        asked=asked,
        written=written,
        recorder=recorder,
        queue=queue,
        namespaces=chosen.namespaces,
        clock=now,
    )
    publisher = publishing.Publisher(
        known=known,
        keyring=keyring,
        catalogue=catalogue,
        source_of=source_of,
        written=written,
        issued=issued,
        clock=now,
    )
    rotated = rotating.Rotating(
        kept=keystore.Keystore(connection, known, queue.wake),
        checker=checker,
        source_of=source_of,
        keyring=keyring,
        cluster=chosen.cluster_name,
        watches=asked.watches,
        clock=now,
    )
    reconciler = reconcile.Reconciler(
        connection=connection,
        known=known,
        keyring=keyring,
        checker=checker,
        catalogue=catalogue,
        recorder=recorder,
        wake=queue.wake,
        wake_references=queue.wake_references,
        source_of=source_of,
        written=written,
        publisher=publisher,
        asked=asked,
        given=given,
        rotated=rotated,
        apart=apart,
        clock=now,
    )
    lent = lending.Lending(
        known=known,
        catalogue=catalogue,
        keyring=keyring,
        source_of=source_of,
        written=written,
        issued=issued,
        clock=now,
    )
    binder = binding.Binder(
        connection,
        known,
        asked=asked,
        lent=lent,
        recorder=recorder,
        queue=queue,
        apart=apart,
        clock=now,
    )
    waits = waiting.Waiting(connection, known, asked=asked, recorder=recorder)
    return {
        inventory.CREDENTIAL: waits.after(inventory.CREDENTIAL, reconciler.credential),
        inventory.REFERENCE: waits.after(inventory.REFERENCE, binder.reference),
        inventory.DISTRIBUTION: given.distribute,
    }


def now() -> datetime.datetime:
    """Gives the time."""
    return datetime.datetime.now(datetime.UTC)
