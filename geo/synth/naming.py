"""Invented names of places and persons: two-syllable stems that sound right, never twice inside one parent."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CITY_NAME = {"zh": "云泽市", "en": "Yunze"}
DISTRICTS = (
    ("云阳区", "Yunyang"),
    ("濉清区", "Suiqing"),
    ("宁湖新区", "Ninghu New Area"),
    ("龙台区", "Longtai"),
    ("景和区", "Jinghe"),
    ("朝岳区", "Chaoyue"),
    ("广湾区", "Guangwan"),
    ("青苑区", "Qingyuan"),
    ("德丰区", "Defeng"),
    ("泽川区", "Zechuan"),
    ("瑞城区", "Ruicheng"),
    ("永麓区", "Yonglu"),
    ("望岭区", "Wangling"),
    ("嘉禾原区", "Jiaheyuan"),
    ("怀泉区", "Huaiquan"),
    ("崇光区", "Chongguang"),
    ("汀洲新区", "Tingzhou New Area"),
    ("明溪湾区", "Mingxiwan"),
    ("祥云岭区", "Xiangyunling"),
    ("安澜区", "Anlan"),
)
OLD_TOWN = "古城街道"

_FIRST = "文昌永安德和兴盛瑞祥云锦长春景明华清丰泽嘉福宁远泰康广济龙泉青松翠柳紫荆朝晖晨曦望江临湖映月听涛怀仁崇礼尚义"
_SECOND = "昌安和兴盛祥锦春明清泽福远康济泉松柳荆晖湖月仁礼义华宁光阳平顺达成庆源善信贤良"
_ROADS = _words(
    "建设 人民 解放 团结 胜利 和平 新华 文化 工农 育才 站前 府前 南湖 学院 迎宾 凯旋 "
    "振兴 光明 友谊 青年 民主 睢水 富康"
)
_ESTATES = _words(
    "锦绣 阳光 金色 翡翠 碧水 御景 世纪 东方 盛世 书香 紫金 丽景 康馨 绿都 帝和 蓝湾 幸福 祥和 天润 汇丰 明珠 春晓 "
    "香榭 云顶 望湖 滨河 听澜 梧桐 桂花 银杏 枫林 橡树 玫瑰 荷塘 竹园 水岸"
)
_ESTATE_ENDS = _words("花园 家园 新城 名邸 华庭 小区 新村 嘉园 公馆 国际 苑 湾 府 里 城 庄园 人家 佳苑")
_FACTORIES = _words("棉纺厂 机械厂 化肥厂 面粉厂 造纸厂 轴承厂 酒厂 纺织厂 水泥厂 农机厂 印刷厂 木器厂")
EMPLOYERS = _FACTORIES + _words(
    "供销社 粮食局 教育局 水利局 供电局 邮电局 铁路 运输公司 建筑公司 百货公司 医药公司 食品公司 汽修厂 油脂厂"
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔向汤"
)
_GIVEN_FIRST = "建国志明永文海春晓玉秀红淑桂丽俊宏振立世家德学新成东卫庆金银兰云雪月思佳雨子浩宇晨"
_GIVEN_LAST = "军强伟华平明辉峰涛斌杰勇刚林生民安英芳敏霞娟梅玲燕萍静洁琳莹颖婷涵轩怡宁博凯然"
_VILLAGE_ENDS = _words("庄 楼 集 寨 店 堂 桥 口 营 屯 湾 园 堤口 老家 大庄 小庄 阁 庙")
_FIELDS = _words("片田 洼 坡地 河滩地 岗地 园地")
_DIGITS = "零一二三四五六七八九"

_YARD_ENDS = {
    "school": ("小学", "中学", "实验小学", "第二中学", "幼儿园"),
    "market": ("农贸市场", "便民市场", "菜市场"),
    "commerce": ("商业广场", "购物中心", "商贸城", "步行街区"),
    "office": ("政务大院", "写字楼", "商务中心"),
    "hospital": ("医院", "中医院", "卫生服务中心"),
    "factory": (*_FACTORIES, "食品有限公司", "电子产业园", "汽配园"),
    "depot": ("物流园", "仓储中心"),
    "campus": ("职业技术学院", "师范学校", "理工学院"),
    "idle": ("待建地块", "在建工地"),
    "station": ("火车站",),
    "sight": ("古院", "会馆", "文庙"),
}


def numeral(n: int) -> str:
    """Chinese numeral of 1 … 99."""
    tens, ones = divmod(n, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones or not head else "")


class Names:
    """Draws of names that do not repeat inside a parent."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._used: dict[Hashable, set[str]] = {}
        self._phones = 0

    def one(self, pool: Sequence[str]) -> str:
        """Draw from a pool."""
        return pool[int(self.rng.random() * len(pool))]

    def stem(self) -> str:
        """Draw two syllables."""
        first, second = self.one(_FIRST), self.one(_SECOND)
        return first + (second if second != first else "和")

    def fresh(self, parent: Hashable, make: Callable[[], str], tries: int = 40) -> str:
        """Draw until a name is new inside the parent; when the pool runs dry, add a numeral."""
        used = self._used.setdefault(parent, set())
        name = make()
        for _ in range(tries):
            if name not in used:
                break
            name = make()
        base, k = name, 1
        while name in used:
            k += 1
            name = f"{base}{numeral(k) if k < 100 else k}区"
        used.add(name)
        return name

    def road(self, parent: Hashable, ends: Sequence[str], classic: float) -> str:
        """Name a road; `classic` is the share of names that every Chinese city has."""

        def make() -> str:
            stem = self.one(_ROADS) if self.rng.random() < classic else self.stem()
            return stem + self.one(ends)

        return self.fresh(parent, make)

    def person(self) -> str:
        """Name a person who does not exist."""
        given = self.one(_GIVEN_LAST)
        if self.rng.random() < 0.75:
            given = self.one(_GIVEN_FIRST) + given
        return self.one(_SURNAMES) + given

    def phone(self) -> str:
        """Give the next number of a block that is plainly invented."""
        self._phones += 1
        return f"190 0000 {self._phones % 10_000:04d}"

    def village(self, parent: Hashable) -> str:
        """Name a village."""
        return self.fresh(parent, lambda: self.one(_SURNAMES) + self.one(_VILLAGE_ENDS) + "村")

    def yard(self, parent: Hashable, use: str, road: str, community: str) -> str:
        """Name a yard by what it is, the road beside it and its community."""
        base = community.removesuffix("村").removesuffix("社区")
        if use == "estate":
            make = self._estate(road)
        elif use == "lane":
            make = self._court(road or self.stem() + "巷", 90)
        elif use == "field":
            make = self._field(base)
        elif ends := _YARD_ENDS.get(use):
            make = self._place(ends, bare=use == "factory")
        else:
            make = self._next_group(parent, base)
        return self.fresh(("yard", parent), make, 12)

    def _estate(self, road: str) -> Callable[[], str]:
        chance = self.rng.random()
        if chance < 0.62:
            return lambda: self.one(_ESTATES) + self.one(_ESTATE_ENDS)
        if chance < 0.82 and road:
            return self._court(road, 240)
        return lambda: self.one(EMPLOYERS) + "家属院"

    def _court(self, road: str, highest: int) -> Callable[[], str]:
        return lambda: f"{road}{int(self.rng.integers(1, highest))}号院"

    def _field(self, base: str) -> Callable[[], str]:
        return lambda: base + self.one("东西南北中大小") + self.one(_FIELDS)

    def _place(self, ends: Sequence[str], *, bare: bool) -> Callable[[], str]:
        return lambda: ("" if bare and self.rng.random() < 0.3 else self.stem()) + self.one(ends)

    def _next_group(self, parent: Hashable, base: str) -> Callable[[], str]:
        count = len(self._used.setdefault(("group", parent), set())) + 1
        self._used["group", parent].add(str(count))
        return lambda: f"{base}{numeral(count) if count < 100 else count}组"
