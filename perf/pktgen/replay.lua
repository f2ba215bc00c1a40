-- Replays the capture at one rate, once: pktgen ... -s 0:FILE.pcap -f replay.lua
-- load.lua says what the environment sets.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or (os.getenv("LOAD_DIR") or ".") .. "/"
local load = dofile(here .. "load.lua")

load.wait_for_link()
load.trial(load.rates[1])
load.finish()
