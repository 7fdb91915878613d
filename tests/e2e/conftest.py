"""What each suite starts with: one deployment for the whole file, ready, and gone with it."""

import pytest

import harness
import witness


@pytest.fixture(scope="module")
def deployment(request):
    """`make_deployment()` of the suite, or the plain one."""
    made = getattr(request.module, "make_deployment", harness.Deployment)()
    try:
        made.start()
        witness.await_ready(made)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def credentials(deployment):
    """A session of agent-7, for requests that are made by hand (hostile.Deployment)."""
    return deployment.login()
