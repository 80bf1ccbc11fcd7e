"""The index behind near-duplicates holds three wide bands of each perceptual hash, and the crawl job by itself."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX "ix_images_hash_keys";
        CREATE INDEX "ix_images_hash_keys" ON "images" USING gin ((ARRAY[
            (phash >> 42 & 4194303),
            4194304 + (phash >> 21 & 2097151),
            8388608 + (phash & 2097151),
            crawl_job_id::bigint + 12582912
        ])) WITH (gin_pending_list_limit=64) WHERE phash IS NOT NULL;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX "ix_images_hash_keys";
        CREATE INDEX "ix_images_hash_keys" ON "images" USING gin ((ARRAY[
            crawl_job_id::bigint * 262144 + 0 + (phash >> 48 & 65535),
            crawl_job_id::bigint * 262144 + 65536 + (phash >> 32 & 65535),
            crawl_job_id::bigint * 262144 + 131072 + (phash >> 16 & 65535),
            crawl_job_id::bigint * 262144 + 196608 + (phash >> 0 & 65535)
        ])) WITH (gin_pending_list_limit=64) WHERE phash IS NOT NULL;"""


MODELS_STATE = (
    "eJztXWtT27ga/iuafGk7k2XZAKXbntmZcOkuuxR2IN2z1zEiURIVxzKWTMj28N+PJN9tOd"
    "gmMY7Rl5ZIeiz7eWVJ76tH8tfOjIyQSbf6Q4bvMFuckknnPfjaseAM8T9U2V3QgbYdZYoE"
    "Bq9NWR76BQ2TTGQOvKbM4ak8cwxNinjSCNGhg22GiSUgfWBiCwEyBmyKQHABwC/wAWAGiM"
    "tMfIeozLUdMsYm4n9DJjLFbdItUc+IDHlF2Jqs7pKuhW9dZDAyQbygwy/81z88GVsjdI+o"
    "+Pm1M8bIHMm/Oy5FjoFHHVEG3dsOopQ/IQ1gAaP43oiTZAQwweLClkU68gqcNvnjoQsS9T"
    "DMb5DBmV22pgiYX5fA2zeGrC7RELw7lOlGgD2x2EdZUPB/bQyJ6c6sqLC9YFNihaWxxUTq"
    "BFnIgQyJyzPHFQ3Cck3Tb0BBG/G4j4p4pMcwIzSGrimalUB7NxCldQzj7HxgXB4PDKOTaX"
    "IBItZk/KQhp5FzwW+VyqefiFv4pvfd7v7uu523u+94EXmbYcr+g1d1RIwHlPScDToPMh8y"
    "aEQWjEgV5uF3lCF2wC2iZjZCpNjlt51mN+ByGb1BQsRv9JbWQPAS9gbHvw/ElWeU3poi4e"
    "y3/sXhT/2L15/6v7+ROQs/5/T87MegOOGdjdcVnR2enh9IA0SE81eFuM4QebRleD+cQkfN"
    "ewZYiX6/7TaF/c4M3hsmsiZsyn/ubS+xRsD93vabFMt+Tk9m5bCt6jwKcK3sRjTTCqZniE"
    "HZy2R5/vny/EzNcwKUYnmEhwz8jw+jNNNpN5/tJewKNpb3KukORHBDKJs48iryAuleJTGw"
    "Jtk/4qSJbLUFEsC0BXzkVvBHrd375a155P16/coi89dvXr1ZUzd/8un4ctD/9GvCKkf9wb"
    "HI6SX6+SD19duUpcKLgP+eDH4C4if48/zsOG28sNzgTzGt6kCXEYM/ngFHcW6C5CApYezY"
    "fC1p6s+fT47UZo5BUkZ2XTzaEsBWvWTyfdrxjBSnXz7og5xjjm+UEyLBVJbZj8RBeGL9gh"
    "aS3xN+H9AaqoZh31351ZvTbyypUWp0iw6ch9PyeIviT8+fGTH5/Lx+cPb59NSbyF/D4c0c"
    "OiMjwbbIIT2SSgnLZrNmvVk6BVpwItkRjyFu2if+kN+l+TO57ih8yDCvu8yBHIpSxhdyXd"
    "h7lAjAER/AFb/utwL7rUzcshdXgMIFBXPPuaPgikgkvQLcGO4MWQxMCX8ylQ+5uguX9CR5"
    "82YuLeDehWQZPqRb1InkXu8XNGTF/NXIJkYMV6WuLqjycMEFHn1I7b3W6b0OHSSYMCArO+"
    "9JIvXEZzMmPvaoormTSG3ujTC3/D9j6HyvPSjfirhU0l//bruIw85L5XrsMi/pNN6gxZw4"
    "I1rGY49jnuSwN43vuj12YV4843NYBf2584Ik6PH5wap4541nO817kPacM4OIzmhiVrS3iB"
    "D19RcdG1kjQUumEcczVtFh9Ir0F7387qKX6S34FFi05zLNNQ6pr7FmWmqDmikjDJrl3/s0"
    "TJMpBxwyt0wCR3xeV5pRJVbTKlLuoIkrMJqGaTL9Ucap5rIkkStwWZoZaGyFpzIkM1sEQC"
    "tFIlJYbekmW9obiYdT17opP4BHMN05ihSpDULl2czgNJ3JnqQ0oyqoJlWkjCE2qzCawWk6"
    "ZUcI6Y2By8Wc4pj6Y06d/4xdS2rewLWLTYYtuiXq+yHrxMdCuX93Xv31z6v3779QYl3/3V"
    "lTSHctkSl/GbGMhWKQZhhIVPuogb4+bKaBTASpyjXLt0+E0OZZu3mQ4xDHmCFKuSuctVK+"
    "sjYDbIPusH597R2mSknzAZ7kjtZx1EYP1N/3ejs7+73tnbfv9nb39/febYcjdjZr2dB9cP"
    "KjGL0TfGeHczxCM5swZA0Xxg1alIm/K6BtaO81rNsl1SzFY/ExUH1tvOHqkiVKQJ+xLMdV"
    "xIDBlTaM4qJqwGTrSggCD/uXh/2j42V6wNjYeW8Th4Xiu1QH7oM//nKBTJizC8Wn/FheyN"
    "f6tYT0ZM+bE58vQ9LJzJ9otJEguR4hCVhBc/otvFjLmtQ6pbjRO6jQ4iZe0HwxbqpDKKDG"
    "tYCH8WWzwUKf4TrmFcDejkshzX5FAWV8xJ0gwKcfXUB5l45GYD5FltiEyUs6CI4Uqtw1VL"
    "AudW7EXml5bvG9pLFKSu8kjRS2ZatKIPPr03pcrcfVAk2tx9Xm1nrcpvv1WsOoNYwbsIQ3"
    "Js5M1ePnN9MIUWMz/Rfb2SYaJDazeWp16AqbqecrVNGGKpCaUvkec6/WoPhfxSxg2eJKAl"
    "aJyabF+J9lrSUeaCizrJjGtWGVpe5VRT/wUEEakUXqJfi1L8Fr1fVL8Ee16vqlWJp3ophf"
    "roKdk0ht5UZbWQuntHDqhQin0stXRXX6KZjW8Si4fbbz0ZpG7BLWqh+QFjbBLL+lhVHxA7"
    "k2k9tHlVHpN1atjUo33xVwW/wEuk2lNu8IugKKs3XKXjxVlULyEsqt8uUuUcSxkNJFFv8A"
    "0K0LTfD54pSCOWZTbAEoxCkAOggQCwGHzLt+oesFQ4pSQqiCRjw3KK/Uvay5upIqmPSbVU"
    "hBIh+hqHhkmVilG199K141rSTGSdecVEuUrd1HP6F6samteJ2xdcFi9dEp7O29LV6BX77y"
    "89hTSKfFqxOlhWT9CQYkDp5gC5oyJvtIxe5t3Hh+ELdiiy1EbLLCR8ktJbFa5ku0TGVVi0"
    "ehtVg6eOK9tFqL9ZLMnRhAMgbPD5Wlca3QZtUdKhN+VVkxXBzTCtJTYpi9vSJqmL29fDmM"
    "yEsv40n5fNk2noLpYHD5Fj7HI27WDOe5U7ewfIvkHSuLR04RnkwVw3IumxFA01lKhfTiJE"
    "ibK+psGp8peXchdfcScbfWdtctnvWCUsW7hLC8XkNT9Af+Od9lpl0xSBt6hLqnXFGcLR0x"
    "s6CzyOkjQkyKcRl3bxXnB770L+ScU35wcta/+ENN+oFCKnjwx+C4n94SImO/Ctbz45QhpE"
    "UTibrPjaHULXeEVYRohn621UfA2Q65Q1awvlzURElUM8zUapmzWGLFTHHqUr6NYhD9vc3q"
    "zI8RGypGjXzeQ4B+LdZuHK2tq+2MLC0GW4MY7HlkS4FeTCFciknJ8qVLtleo8EczbeTwrg"
    "UQB0BAkXOHhwgw8S1L+dFKwMgNspQfxSwOfFxQVEq7kC8fXb1y9HEBQ6xblzWJf3YVffpz"
    "S0m7QGsU1hSG2LRFa61ReFHmRjOIFQu3+SHvEKAXyIstkI95xUZpJUIc1IZIbQ1H88A7Po"
    "Q5ZYUISVQbqK59UxoxS7XtoHyNS2bBdo0k3WFqcxbLMm5cvp+R+kQPZgvDJJMnnqHa9y91"
    "SiYb2/CXHzmrTy8uypR/XvQTaWrfudprPY83oEvt4QdMLvXwQ6MV8vC98kofPpZVcttP8Y"
    "Npg0PJHz+VtlQY4KXsX9CnxGo3UHv92tz6lNhGuaLxO8vQvOQUuCRMO6MVFFqboeH0vo6a"
    "dUlj6c1xSvW5HXWd26GPlQgaz/qOlVAsjD/RxW3hovhafdzkh3oUnm7mSz75/q7iC0JF3N"
    "4IJs67UHm/ihLr+gJM8hmedvBE6dr0N1q0963dMe19a3Nr77sl3veG+IAbvI9Pf6NlBdv3"
    "9JdEVkimP6ut8ikRFVST6j225KY8pVmgJjTW1ITv5bhmuc11KqzeqKI/U/HcsaNWTMn1Zy"
    "peiqX1BwyeVSuqP2CgP2CgN1nqTZYN3mTZRw4eTjuKdSk/p7tsQQpGZR5bh8pndcWbIvV6"
    "zBPXY+6Qox618kOKMUgL47Zr2SklXqoSDPvFW8juWqLivEaGLIV3kx9yiEHqjzQ8z6x3ZT"
    "GEEjt5Vj+YPfwfma7a/Q=="
)
