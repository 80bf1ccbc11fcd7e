"""Two columns of images: the picture's measures, and how its last fetch went."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "images" ADD "fetch" JSONB NOT NULL DEFAULT '{}'::jsonb;
        ALTER TABLE "images" ADD "quality" JSONB;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "images" DROP COLUMN "fetch";
        ALTER TABLE "images" DROP COLUMN "quality";"""


MODELS_STATE = (
    "eJztXWtT27ga/iuafGk7k2XZAKXbntmZcOkuuxR2IN2z1zEiVhIVxwqWTMj28N+PJN9tOd"
    "gmMY7Rl5ZIeiz7eWVJ76tH8tfOlJjIolv9IcN3mC1OybjzHnzt2HCK+B+q7C7owNksyhQJ"
    "DF5bsjz0CxoWGcsceE2Zw1N55ghaFPEkE9Ghg2cME1tA+sDCNgJkBNgEgeACgF/gA8AMEJ"
    "dZ+A5RmTtzyAhbiP8NmcgUt0m3RD0mGfKKsD1e3SVdG9+6yGBkjHhBh1/4r394MrZNdI+o"
    "+Pm1M8LIMuXfHZcix8BmR5RB9zMHUcqfkAawgFF8b8RJMgKYYHExk0U68gqcNvnjoQsS9T"
    "DMb5DB6axsTREwvy6Bn90YsrpEQ/DuUKYbAfbEZh9lQcH/tTEklju1o8KzBZsQOyyNbSZS"
    "x8hGDmRIXJ45rmgQtmtZfgMK2ojHfVTEIz2GMdEIupZoVgLt3UCU1jGMs/OBcXk8MIxOps"
    "kFiFiT8ZOGnEbOBb9VKp9+LG7hm953u/u773be7r7jReRthin7D17VETEeUNJzNug8yHzI"
    "oBFZMCJVmIffUYbYAbeImtkIkWKX33aa3YDLZfQGCRG/0VtaA8FL2Bsc/z4QV55SemuJhL"
    "Pf+heHP/UvXn/q//5G5iz8nNPzsx+D4oR3Nl5XdHZ4en4gDRARzl8V4jpD5NGW4f1wAh01"
    "7xlgJfr9ttsU9jtTeG9YyB6zCf+5t73EGgH3e9tvUiz7OT2ZlcO2qvMowLWyG9FMK5ieIg"
    "ZlL5Pl+efL8zM1zwlQimUTDxn4Hx9GaabTbj7bS9gVbCzvVdIdiOCGUDZ25FXkBdK9SmJg"
    "TbJ/xEkT2WoLJIBpC/jIreCPWrv3y1vryPv1+pVN5q/fvHqzpm7+5NPx5aD/6deEVY76g2"
    "OR00v080Hq67cpS4UXAf89GfwExE/w5/nZcdp4YbnBn2Ja1YEuIwZ/PAOacW6C5CApYezY"
    "fC1p6s+fT47UZo5BUkZ2XWxuCWCrXjL5Pu14RorTLx/0Qc4xRzfKCZFgKsvsR+IgPLZ/QQ"
    "vJ7wm/D2gPVcOw76786s3pN5bUKDW6RQfOw2l5vEXxp+fPjJh8fl4/OPt8eupN5K/h8GYO"
    "HdNIsC1ySI+kUsKy2axpb5pOgTYcS3bEY4ib9ok/5Hdp/UyuOwofMszrLnMgh6KU8YVcF/"
    "YeJQJwxAdwxa/7rcB+KxO3ZosrQOGCgrnn3FFwRSSSXgFuDHeKbAYmhD+Zyodc3YVLepK8"
    "eTOXFnDvQrIMH9It6kRyr/cLGrJi/mpkEyOGq1JXF1R5uOACjz6k9l7r9F6HDhJMGJCVnf"
    "ckkXrisxkTn5lZ0dxJpDb3Rphb/p8xdL7XHpRvRVwq6a9/t13EYeelcj12mZd0Gm/QYk4c"
    "k5bx2OOYJznsTeO7bo9dmBdP+RxWQX/uvCAJenx+sCreeePZTvMepD3nzCCiM5qYFe0tIk"
    "R9/UVnhmxT0JJpxPGMVXQYvSL9RS+/u+hlegs+BRbtuUxzjUPqa6yZltqgZsoIg1b59z4N"
    "02TKAYfMbYtAk8/rSjOqxGpaRcodtHAFRtMwTaY/yjjVXJYkcgUuSzMDja3wVIZkOhMB0E"
    "qRiBRWW7rJlvZG4uHEtW/KD+ARTHeOIkVqg1B5NjM4TWeyJynNqAqqSRUpI4itKoxmcJpO"
    "2RFCemPgcjGnOKb+mFPnPyPXlpo3cO1ii2Gbbon6fsg68bFQ7t+dV3/98+r9+y+U2Nd/d9"
    "YU0l1LZMpfRixjoRikGQYS1T5qoK8Pm2kgC0Gqcs3y7RMhtHnWbh7kOMQxpohS7gpnrZSv"
    "rM0A26A7rF9fe4epUtJ8gMe5o3UctdED9fe93s7Ofm975+27vd39/b132+GInc1aNnQfnP"
    "woRu8E39nhHJtoOiMM2cOFcYMWZeLvCmgb2nsN63ZJNUvxWHwMVF8bb7i6ZIkS0Gcsy3EV"
    "MWBwpQ2juKgaMNm6EoLAw/7lYf/oeJkeMDZ23s+Iw0LxXaoD98Eff7lAFszZheJTfiwv5G"
    "v9WkJ6sufNic+XIelk6k802kiQXI+QBKygOf0WXqxlTWqdUtzoHVRocRMvaL4YN9UhFFDj"
    "2sDD+LLZYKHPcB3rCmBvx6WQZr+igDI+4o4R4NOPLqC8S0cmmE+QLTZh8pIOgqZClbuGCt"
    "alzo3YKy3PLb6XNFZJ6Z2kkcK2bFUJZH59Wo+r9bhaoKn1uNrcWo/bdL9eaxi1hnEDlvBG"
    "xJmqevz8Zhohamym/+JZtokGic1snlodusJm6vkKVbShCqSmVL7H3Ks1KP5XMQtYtriSgF"
    "Vismkx/mdZa4kHGsosK6ZxbVhlqXtV0Q88VJBGZJF6CX7tS/Badf0S/FGtun4pluadKOaX"
    "q2DnJFJbudFW1sIpLZx6IcKp9PJVUZ1+CqZ1PApun+18tKYRu4S16gekhU0wy29pYVT8QK"
    "7N5PZRZVT6jVVro9LNdwXcFj+BblOpzTuCroDibJ2yF09VpZC8hHKrfLlLFHEspHSRxT8A"
    "dOtCC3y+OKVgjtkE2wAKcQqADgLERsAh865f6HrBkKKUEKogk+cG5ZW6lzVXV1IFk36zCi"
    "lI5CMUFY8sE6t046tvxaumlcQ46ZqTaomytfvoJ1QvNrUVrzO2LlisPjqBvb23xSvwy1d+"
    "HuLgMbahJSOkj9Tq3sap9EOqFdtPocdMVvjoo5YSPC2b2bdM81TL/F4ro3Qow3tptTLqJZ"
    "k7MYBkDJ4fuErjWqGUqjtwJbycstK0OKYVpKekKXt7RbQpe3v54hSRl15Uk2L2sm08BdOh"
    "2fItfI5NbtYM57lTt7B8i8QWK4sOThAeTxTDci6bEUDTWUoT9OIEQZsrsWwanymxdSGt9R"
    "KptVZa1y1l9UJExbuEsLxe0VL0B/6p22WmXTFIG3qEuqdcUZwtHTGzobPI6SNCTIpxGQVv"
    "FecHvhAv5JxTfnBy1r/4Q036gUK4d/DH4Lif3qAxgVQx010WpwwhLZpI1H2KC6VuuQOlIk"
    "Qz1KytPpBt5pA7ZAervUVNlEQ1w0ytFh2LBU/MFGcg5dsoBtFfv6zO/AixoWLUyOc9BOjX"
    "Yu3G0Uq32k6s0tKsNUiznkdEFKi3FDKimLArX0g08woV/oTlDDm8awHEARBQ5NzhIQJMfF"
    "lSfkISMHKDbOUnKosDH5f3lNIu5Is5V6/jfFzAEOvWZU3in11Fn/7cws4u0BqFNYUhNm3R"
    "WmsUXpS50RRixcJtfsg7BOgF8mIL5CNesVFaiRAHtSFSW8NBOfCOD2FOWSFCEtUGqmvfIk"
    "asUm07KF/jklmweSJJd5janMWyjBuX72ekPpiD2cKwyPiJJ5r2/UudkvHGNvzlB8Dqs4SL"
    "MuWf3vxEmtp3yvVaT8cN6FJ7+AGTSz380GiFPHyvvNKHj2WV3IRT/JjY4Ijwx8+ILRUGeC"
    "n7F/SZrdoN1F6/Nrc+s7VRrmj8zjI0LzmTLQnTzmgFhdZmaDi9b5VmXdJYenOcUn2KRl2n"
    "aOhDHoLGs75DHhQL4090cVu4KL5WHzf52RyFp5v5rk6+v6v4nk8RtzeCidMnVN6vosS6vs"
    "eSfIanHQNRujb9xRTtfWt3THvf2tza+26J970hPuAG7+PTX0xZwfY9/V2PFZLpz2qrfNhD"
    "BdWkeo8tuSlPaRaoCY01NeF7Oa5VbnOdCqs3quiPRjx37KgVU3L90YiXYmn9OYFn1Yrqzw"
    "nozwnoTZZ6k2WDN1n2kYOHk45iXcrP6S5bkIJRmcfWofJZXfGmSL0e88T1mDvkqEet/JBi"
    "DNLCuO1adkqJl6oEw37xFrK7lqg4r5EhW+Hd5IccYpD6Iw3PM+tdWQyhxE6e1Q9mD/8HRU"
    "+22w=="
)
