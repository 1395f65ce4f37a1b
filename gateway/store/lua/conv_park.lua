--[[ conv_park: its agent waits for somebody else, until a time. What is parked takes no slot; words of the contact's end it.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)  7 until (ms)  8 inbound seen ('' not said)
      9 its place was had at (ms; '' there was none: lua/desk_park.lua)  10 a place is good for (ms)
RETURNS as a command (lua/_conv.lua); refused with moved where it is neither active nor waiting, they_wrote,
        parked_full, late (its place is too old)
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local other = not_theirs(conv, ARGV[3], ARGV[4])
if other then return other end
if conv.st ~= 'active' and conv.st ~= 'waiting' then return refused('moved', conv) end
if ARGV[8] ~= '' and ARGV[8] ~= conv.n then return refused('they_wrote', conv) end
if ARGV[9] == '' then return refused('parked_full', conv) end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1]) - tonumber(ARGV[9]) > tonumber(ARGV[10]) then
  return refused('late', conv)
end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {st = 'parked', pu = ARGV[7], rt = '', pk = ARGV[9]})
fact(KEYS[4], now, 'parked', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. ' until=' .. ARGV[7] .. stands(conv))
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
