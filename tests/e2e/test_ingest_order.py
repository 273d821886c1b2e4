"""Records, then quarantine, then offsets: the order in which the way in makes things durable."""

from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_ingested, check_stored, watched
from tests.e2e.produced import with_events


async def test_nothing_is_committed_before_everything_up_to_it_is_durable(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    deployment.variables["ORDER_RECORDS_CONSUMER__MAX_RECORDS"] = "100"
    produced = await with_events(deployment, 400)
    hanging = ("fetched@1=hang:0.7", "stored@2=hang:0.7", "quarantining@3=hang:0.7")
    async with watched(deployment, produced) as samples:
        await deployment.start_faulty("consume", *hanging)
        await all_read(deployment, produced)
    assert len(samples) > 10
    await check_stored(deployment, produced)


async def test_a_batch_that_could_not_be_made_durable_comes_again_and_a_replay_changes_nothing(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    produced = await with_events(deployment, 400)
    await deployment.start_faulty("consume", "fetched=raise:1", "quarantining=raise:1")
    await check_ingested(deployment, produced)
