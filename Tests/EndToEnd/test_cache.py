"""The cache of compiled images is a help, never a condition."""


def test_a_cache_folder_that_cannot_be_made_is_a_warning(start_gateway, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    gateway = start_gateway(cache={"path": str(blocked / "cache")})
    assert "no image cache" in gateway.log()
    assert "ready in" in gateway.log()
