-- What replay.lua and sweep.lua share: replaying the capture that pktgen was started with
-- (-s 0:FILE.pcap) at a rate in frames a second, and reading back what was lost on the way through
-- the relay. Parameters come from the environment, because pktgen passes none to its scripts:
--
--   LOAD_CELL     bytes of a cell, 512 or 1232 (default 512)
--   LOAD_FAMILY   4 or 6 (default 4)
--   LOAD_RATE     frames a second; sweep.lua: several, with spaces (default 100000)
--   LOAD_SECONDS  of each trial (default 5)
--   LOAD_GBPS     speed that the port reports, which rates are a share of (default 100: memif)
--   LOAD_OUT      file for results, one line of JSON a trial (default: standard output)

local load = { port = "0" }

local function number(name, default)
	return tonumber(os.getenv(name) or "") or default
end

load.cell = number("LOAD_CELL", 512)
load.seconds = number("LOAD_SECONDS", 5)
load.gbps = number("LOAD_GBPS", 100)
load.rates = {}
for word in (os.getenv("LOAD_RATE") or "100000"):gmatch("%S+") do
	load.rates[#load.rates + 1] = assert(tonumber(word), "LOAD_RATE is not a number: " .. word)
end

-- Frames as pktgen counts them: Ethernet, IP and UDP headers, and 24 bytes of a wire (check
-- sequence, preamble, gap).
local headers = number("LOAD_FAMILY", 4) == 6 and 62 or 42
local wire_bits = (load.cell + headers + 24) * 8

-- portStats has one argument in newer versions of pktgen, two in older ones.
local function counters()
	local ok, all = pcall(pktgen.portStats, load.port, "port")
	if ok then
		return all[0]
	end
	all = pktgen.portStats(load.port)
	return all[0].curr or all[0]
end

-- They are refreshed once a second.
local function settled()
	pktgen.delay(2500)
	local now = counters()
	return now.opackets, now.ipackets
end

local function out(line)
	local name = os.getenv("LOAD_OUT")
	local file = name and assert(io.open(name, "a")) or io.stdout
	file:write(line, "\n")
	if name then
		file:close()
	else
		file:flush()
	end
end

-- Replays at a rate; returns what went out and what came back.
function load.trial(rate)
	local percent = math.min(100, rate * wire_bits / (load.gbps * 1e9) * 100)
	pktgen.stop(load.port)
	local sent, returned = settled()
	pktgen.pcap(load.port, "on")
	pktgen.set(load.port, "count", 0)
	pktgen.set(load.port, "rate", percent)
	pktgen.start(load.port)
	pktgen.delay(math.floor(load.seconds * 1000))
	pktgen.stop(load.port)
	local sent_after, returned_after = settled()
	sent, returned = sent_after - sent, returned_after - returned
	local lost = math.max(0, sent - returned)
	out(string.format(
		'{"cell": %d, "rate": %d, "seconds": %g, "sent": %d, "returned": %d, "lost": %d, '
			.. '"lost_percent": %.4f, "sent_per_s": %.0f, "returned_per_s": %.0f}',
		load.cell, rate, load.seconds, sent, returned, lost,
		sent > 0 and 100 * lost / sent or 0, sent / load.seconds, returned / load.seconds))
	return sent, returned
end

-- The relay joins a memif when it is up.
function load.wait_for_link()
	for _ = 1, 60 do
		local state = pktgen.linkState(load.port)[0]
		if type(state) ~= "string" or not state:lower():find("down") then
			return
		end
		pktgen.delay(500)
	end
	error("the link of port " .. load.port .. " stays down: is the relay there?")
end

function load.finish()
	pktgen.stop(load.port)
	pktgen.delay(500)
	pktgen.quit()
end

return load
