"""What people report, where and when: categories with their shares, places, hours, weekends and weather."""

from dataclasses import dataclass
from typing import NamedTuple

Peak = tuple[float, float, float]


class Category(NamedTuple):
    """A category of reports: code, Chinese and English name."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Habit:
    """How a category behaves.

    Attributes
    ----------
    share
        Of all reports.
    pull
        Weight by class of road (per 100 m) or by use of yard or park (each).
    peaks
        Hours of the day: middle, spread, weight.
    weekend, wet
        Factors on Saturdays and Sundays, and on days of heavy rain and the day after.
    what
        What the reporter writes.
    """

    share: float
    pull: dict[str, float]
    peaks: tuple[Peak, ...]
    weekend: float
    wet: float
    what: tuple[str, ...]


CATEGORIES = (
    Category("litter", "暴露垃圾", "Litter"),
    Category("dirty_road", "道路不洁", "Dirty road"),
    Category("street_vending", "占道经营", "Street vending"),
    Category("parking", "乱停放", "Illegal parking"),
    Category("advert", "非法小广告", "Illegal adverts"),
    Category("shed", "私搭乱建", "Unlicensed building"),
    Category("noise", "施工扰民", "Construction noise"),
    Category("green", "绿地脏乱", "Damaged greenery"),
    Category("water", "水域不洁", "Dirty water"),
    Category("manhole", "井盖破损", "Broken manhole cover"),
    Category("light", "路灯不亮", "Street light out"),
    Category("pest", "病媒孳生", "Pests"),
)
OFFICE_HOURS = ((10.0, 2.5, 1.0), (15.0, 2.5, 1.0))
HABITS = {
    "litter": Habit(
        0.20,
        {"lane": 3, "village": 1.2, "estate": 1, "market": 5, "oldstreet": 4, "local": 1.5, "vroad": 0.25},
        ((7.5, 1.2, 3), (16.0, 3.0, 1.5)),
        1.05,
        1.3,
        ("垃圾桶满溢,周围堆满垃圾", "有成堆垃圾无人清理", "建筑垃圾随意倾倒"),
    ),
    "dirty_road": Habit(
        0.09,
        {"main": 1, "second": 1.5, "collector": 1.3, "local": 1.5, "lane": 1.5, "vroad": 0.3, "idle": 4},
        OFFICE_HOURS,
        0.7,
        4.0,
        ("路面有大量泥土", "路面积水积泥", "渣土车沿路遗撒"),
    ),
    "street_vending": Habit(
        0.15,
        {"market": 9, "oldstreet": 5, "second": 1, "local": 2, "school": 3, "commerce": 3},
        ((7.2, 0.9, 3), (17.8, 1.3, 2.5)),
        1.2,
        0.35,
        ("流动摊贩占道经营", "店铺出店经营占用人行道", "夜市烧烤占道,油烟大"),
    ),
    "parking": Habit(
        0.21,
        {"main": 0.8, "second": 1.5, "collector": 2, "local": 2.5, "commerce": 4, "hospital": 4, "school": 3,
         "office": 2, "station": 6},
        ((8.3, 1.2, 2), (18.2, 1.6, 3)),
        0.85,
        0.9,
        ("机动车停在人行道上", "共享单车堆放堵路", "车辆堵住消防通道"),
    ),
    "advert": Habit(
        0.07,
        {"lane": 4, "oldstreet": 4, "estate": 1, "local": 1.2},
        OFFICE_HOURS,
        0.6,
        0.7,
        ("墙上贴满小广告", "电线杆上有非法小广告"),
    ),
    "shed": Habit(
        0.03,
        {"lane": 3, "village": 2, "estate": 0.6, "factory": 1},
        OFFICE_HOURS,
        0.7,
        0.5,
        ("有人私搭棚子", "楼顶违建"),
    ),
    "noise": Habit(
        0.06,
        {"idle": 14, "factory": 1, "estate": 0.2},
        ((22.5, 1.4, 2), (10.0, 2.5, 1)),
        0.9,
        0.3,
        ("工地夜间施工噪声大", "施工扬尘严重"),
    ),
    "green": Habit(
        0.05,
        {"park": 9, "main": 1, "second": 1, "estate": 0.2},
        OFFICE_HOURS,
        0.9,
        1.4,
        ("绿化带缺株、踩踏", "绿地里有垃圾", "树木倒伏"),
    ),
    "water": Habit(
        0.03,
        {"levee": 1, "riverside": 3, "bank": 6, "park": 2},
        OFFICE_HOURS,
        1.0,
        1.8,
        ("河面有漂浮物", "岸边有污水直排"),
    ),
    "manhole": Habit(
        0.04,
        {"main": 1, "second": 1.3, "collector": 1.3, "local": 1, "lane": 1},
        OFFICE_HOURS,
        0.7,
        3.0,
        ("井盖松动有异响", "井盖缺失,有危险"),
    ),
    "light": Habit(
        0.04,
        {"second": 1, "collector": 1.2, "local": 1.2, "lane": 1.5, "vroad": 0.4, "park": 1},
        ((20.3, 1.3, 1),),
        0.9,
        1.2,
        ("路灯不亮", "整条路的路灯都不亮"),
    ),
    "pest": Habit(
        0.03,
        {"market": 6, "lane": 2, "village": 1, "oldstreet": 1},
        OFFICE_HOURS,
        0.9,
        1.2,
        ("蚊蝇多,有积水容器", "老鼠多"),
    ),
}  # fmt: skip
# Who sends reports, with shares.
SOURCES = (
    ("网格员巡查", 0.46),
    ("市民随手拍", 0.24),
    ("12345热线", 0.18),
    ("视频识别", 0.07),
    ("数字城管", 0.05),
)
HOTLINE = "12345热线"
