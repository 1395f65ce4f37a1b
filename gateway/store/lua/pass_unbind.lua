#!lua flags=allow-oom
--[[ pass_unbind: a page is open on no device any more, and its wrong answers are forgotten: whoever proves themselves next has it.

Asked by a person of webcare or the holder's system, or by the device itself, which lets go of what it has: then only its own. What
people ask counts as if the page were kept now: a "this is not me" that was said before closes it no more.

KEYS  1 pg:D (hash)  2 pn:C (hash)  3 facts (stream)
ARGV  1 offset (ms)  2 D  3 C  4 field of its item  5 device (keyed hash), '' for whichever  6 who asked: agent, api, cli, holder
RETURNS 1 something was undone, 0 nothing was to be
--]]
-- include base
local d, a = 'd:' .. ARGV[4], 'a:' .. ARGV[4]
local gone = 0
for _, name in ipairs({ d, a }) do
  local device = redis.call('HGET', KEYS[2], name)
  if device and (ARGV[5] == '' or string.match(device, '^[^|]*') == ARGV[5]) then gone = gone + redis.call('HDEL', KEYS[2], name) end
end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
if ARGV[5] == '' and redis.call('EXISTS', KEYS[1]) == 1 then
  gone = gone + redis.call('HDEL', KEYS[1], 'w')
  redis.call('HSET', KEYS[1], 'k', text(now))
end
if gone == 0 then return 0 end
fact(KEYS[3], now, 'pass_unbound', ARGV[2] .. ' ' .. ARGV[3], 'by=' .. ARGV[6])
return 1
