"""The kinds of sources, one file each: physics (constructor), sound, picture and words of one class."""
from .bell import Bell
from .bird import Bird
from .bounce import Bounce
from .clock import Clock
from .door import Door
from .drip import Drip
from .engine import Engine
from .fire import Fire
from .footsteps import Footsteps
from .glass_break import GlassBreak
from .insects import Insects
from .knock import Knock
from .rain import Rain
from .scrape import Scrape
from .silence import Silence
from .siren import Siren
from .stream import Stream
from .strike import Strike
from .thunder import Thunder
from .typing import Typing
from .whistle import Whistle
from .wind import Wind

KINDS = {
    kind.name: kind
    for kind in (
        Bounce,
        Strike,
        Footsteps,
        Knock,
        Door,
        Typing,
        Clock,
        Bell,
        GlassBreak,
        Drip,
        Stream,
        Rain,
        Wind,
        Thunder,
        Fire,
        Engine,
        Siren,
        Whistle,
        Scrape,
        Bird,
        Insects,
        Silence,
    )
}
CLASSES = tuple(KINDS)
MATERIALS = ("none", "wood", "metal", "glass", "rubber", "stone", "skin", "gravel", "grass", "snow")
