"""Dark, gray and blurred pictures are told by what was measured while fetching, and a validation drops them."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageEnhance, ImageFilter

from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.stand_ins.pictures import encoded, noisy_jpeg, picture
from tests.support.asking import validated
from tests.support.service import Person, entries, running_worker

MEASURED = """query($id: ID!) { crawlJob(id: $id) { images(first: 50) { nodes {
  originalUrl status issues { code measured limit }
  quality { brightness contrast entropy sharpness grayscale } } } } }"""


async def measured(owner: Person, job: str) -> dict[str, dict[str, Any]]:
    nodes = (await owner.do(MEASURED, id=job))["images"]["nodes"]
    return {node["originalUrl"].rpartition("/")[2]: node for node in nodes}


async def test_what_is_too_dark_blurred_or_gray_is_dropped_with_the_reason(owner: Person) -> None:
    whole = Image.effect_noise((320, 240), 90).convert("RGB")
    files = {
        "/fine.jpg": noisy_jpeg(),
        "/dark.jpg": encoded(ImageEnhance.Brightness(whole).enhance(0.2), "JPEG"),
        "/blurred.png": encoded(picture(320, 240).filter(ImageFilter.GaussianBlur(9)), "PNG"),
        "/gray.png": encoded(whole.convert("L"), "PNG"),
        "/broken.jpg": noisy_jpeg()[:9_000],
    }
    async with MisbehavingHost({path: image(data) for path, data in files.items()}) as host, running_worker():
        job = await owner.crawl(sources=entries(*(host.url(path) for path in files)), maxImages=9)
        await owner.ended(job)
        found = await measured(owner, job)
        judged = await validated(owner, job, minBrightness=0.25, minSharpness=20, grayscale=False)
    assert found["broken.jpg"]["quality"] is None
    assert found["gray.png"]["quality"]["grayscale"] is True
    assert found["blurred.png"]["quality"]["sharpness"] < 20 < found["fine.jpg"]["quality"]["sharpness"]
    assert 0.05 < found["dark.jpg"]["quality"]["brightness"] < 0.15
    assert (judged["validatedImages"], judged["invalidImages"]) == (4, 3)
    after = await measured(owner, job)
    assert after["fine.jpg"]["status"] == "VALID"
    codes = {
        name: [issue["code"] for issue in after[name]["issues"]] for name in ("dark.jpg", "blurred.png", "gray.png")
    }
    assert codes == {"dark.jpg": ["brightness"], "blurred.png": ["sharpness"], "gray.png": ["grayscale"]}
    assert after["dark.jpg"]["issues"][0]["limit"] == "0.25"
