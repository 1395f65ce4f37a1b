--[[ rollout_put: one change of a roll-out, and the fact that says who made it and why.

Compared by revision: of two that change what they both saw, one is written and the other is told so. A change that is there
already, whole, is a repeated call whose answer was lost.

KEYS  1 rollouts (hash)  2 facts (stream), both of one partition
ARGV  1 offset (ms)  2 name  3 the revision that was seen, 0 = there is none  4 record (JSON with "rev"), '' = take it out
      5 kind of the fact  6 its detail
RETURNS 1 done, 0 it has changed since (nothing is written)
--]]
-- include base
local raw = redis.call('HGET', KEYS[1], ARGV[2])
local seen = raw and cjson.decode(raw).rev or 0
if raw and raw == ARGV[4] then return 1 end
if seen ~= tonumber(ARGV[3]) then return 0 end
if ARGV[4] == '' and not raw then return 0 end
if ARGV[4] == '' then redis.call('HDEL', KEYS[1], ARGV[2]) else redis.call('HSET', KEYS[1], ARGV[2], ARGV[4]) end
fact(KEYS[2], now_of(KEYS[2], tonumber(ARGV[1])), ARGV[5], '', ARGV[6])
return 1
