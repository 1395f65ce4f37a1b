--[[ version_switch: one sender's active version of a notification, raised; and the fact that it was.

Every process sees that a version is approved in all its languages, at about the same time; one of them switches. It never goes
down: what a slower process saw before is no reason to go back.

KEYS  1 versions (hash)  2 facts (stream), both of one partition
ARGV  1 offset (ms)  2 field (notification)  3 the version  4 sender  5 languages  6 who, or "" for the rule
RETURNS 1 switched, 0 it is that one or a newer one by now
A record: format|version|at (ms)|the one before|languages|who
--]]
-- include base
local raw = redis.call('HGET', KEYS[1], ARGV[2])
local before = raw and split(raw)[2] or '0'
if tonumber(before) >= tonumber(ARGV[3]) then return 0 end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], ARGV[2], '1|' .. ARGV[3] .. '|' .. text(now) .. '|' .. before .. '|' .. ARGV[5] .. '|' .. ARGV[6])
local who = ARGV[6] ~= '' and (' who=' .. ARGV[6]) or ''
fact(KEYS[2], now, 'version', '',
  'nt=' .. ARGV[2] .. ' s=' .. ARGV[4] .. ' v=' .. ARGV[3] .. ' before=' .. before .. ' in=' .. ARGV[5] .. who)
return 1
