--[[ pass_keep: keep the page of a pass or ticket, and let it take the place of an older issue.

Which page of an item is the newest stands in one field of its contact, so that a page is replaced by being no longer named
there: nothing is written to the older one, and an older issue that comes late is replaced from its birth. The newer one is what its
subject took later, as for messages: the sources' own numbers count there, and two of one instant stand in the order in which they
came. Where that is not known, or lies so far apart that the subject may have been forgotten and begun to count anew, it is what
happened later, then the id, so that every order of arrival ends the same. What is long over goes on the way, now and then. Repeatable.

KEYS  1 pg:D (hash)  2 pn:C (hash)  3 f:C (hash)  4 facts (stream)
ARGV  1 offset (ms)  2 D  3 C  4 field of its item  5 occurred at (ms)  6 place among its booking's  7 ends (ms)
      8 keep until (ms)  9 group  10 sealed body  11 the number under which its subject took the event, 0 not known
RETURNS new | same | older (kept, and replaced already) | erasing | moved
--]]
-- include base
local f = redis.call('HMGET', KEYS[3], 'erasing', 'moved')
if f[1] then return 'erasing' end
if f[2] then return 'moved' end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local fresh = redis.call('EXISTS', KEYS[1]) == 0
if fresh then
  redis.call('HSET', KEYS[1], 'v', '1', 'c', ARGV[3], 'h', ARGV[4], 'at', ARGV[5], 'ends', ARGV[7], 'g', ARGV[9],
    'b', ARGV[10], 'k', text(now))
  redis.call('PEXPIREAT', KEYS[1], ARGV[8])
  fact(KEYS[4], now, 'pass_kept', ARGV[2] .. ' ' .. ARGV[3], '')
end
-- newest: format|occurred at|D|place|keep until|group|number (a version before wrote none)
local known = redis.call('HGET', KEYS[2], ARGV[4])
local was = known and split(known)
if was and was[3] == ARGV[2] then return 'same' end
local function is_older()
  local at, other, number, theirs = tonumber(ARGV[5]), tonumber(was[2]), tonumber(ARGV[11]), tonumber(was[7] or '0')
  if number > 0 and theirs > 0 and number ~= theirs and math.abs(at - other) < 8 * 86400000 then return theirs > number end
  return other > at or (other == at and was[3] > ARGV[2])
end
if was and is_older() then
  if fresh then fact(KEYS[4], now, 'pass_revoked', ARGV[2] .. ' ' .. ARGV[3], 'by=' .. was[3]) end
  return 'older'
end
-- An agency's contact holds thousands: they are not all looked at each time.
if not was and redis.call('HLEN', KEYS[2]) % 16 == 0 then
  local all = redis.call('HGETALL', KEYS[2])
  for k = 1, #all, 2 do
    local name = all[k]
    if string.sub(name, 2, 2) ~= ':' and tonumber(split(all[k + 1])[5]) <= now then
      redis.call('HDEL', KEYS[2], name, 'd:' .. name, 'a:' .. name)
    end
  end
end
redis.call('HSET', KEYS[2], ARGV[4], '1|' .. ARGV[5] .. '|' .. ARGV[2] .. '|' .. ARGV[6] .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|'
  .. ARGV[11])
if redis.call('PEXPIRETIME', KEYS[2]) < tonumber(ARGV[8]) then redis.call('PEXPIREAT', KEYS[2], ARGV[8]) end
if was then fact(KEYS[4], now, 'pass_revoked', was[3] .. ' ' .. ARGV[3], 'by=' .. ARGV[2]) end
return fresh and 'new' or 'same'
