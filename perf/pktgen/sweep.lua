-- Replays the capture at each of the rates in LOAD_RATE, from the first to the last:
-- pktgen ... -s 0:FILE.pcap -f sweep.lua; perf/pktgen/run repeats it for each size of cells.
-- load.lua says what the environment sets.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or (os.getenv("LOAD_DIR") or ".") .. "/"
local load = dofile(here .. "load.lua")

load.wait_for_link()
for _, rate in ipairs(load.rates) do
	load.trial(rate)
end
load.finish()
