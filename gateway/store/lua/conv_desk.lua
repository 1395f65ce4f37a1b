--[[ conv_desk: the desk hears where a conversation stands: in one queue, with one agent, or done. Older news changes nothing.

One step, so that it is never in two lists nor in two agents' slots; by revision, so that hearing late, twice or in another order
ends the same. Reservations are left alone, but for one that is named: its bind is told by this, and it goes in the same step.

KEYS  1 {desk}at (hash)  2 {desk}all (zset)  3 {desk}done (zset)  4 {desk}feed (stream)  5 list it stood in (again 1 when none)
      6 list it goes to (again 1 when none)  7 {desk}due (zset)  8 {desk}slots of whose it was (again 1 when nobody's)
      9 {desk}slots of whose it is (again 1)  10 {desk}a of whose it was (hash; again 1)
      11 {desk}slots where something is reserved (again 1 where nothing is)  12 {desk}res (zset)
ARGV  1 V  2 revision  3 what `at` held when the caller looked ('' none)  4 place: q:<queue>, mine:<agent>, auto, done
      5 score in that list (ms)  6 opened or resolved (ms)  7 live '0'/'1'  8 time of the next look (ms; 0 none)  9 offset (ms)
      10 agent and 11 token of the reservation that goes ('' none)
RETURNS done | same | again (it moved since the caller looked)
--]]
local held = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if held ~= ARGV[3] then return 'again' end
local function reservation_goes()
  if ARGV[11] == '' then return end
  redis.call('HDEL', KEYS[11], 'r:' .. ARGV[11])
  redis.call('ZREM', KEYS[12], ARGV[10] .. '|' .. ARGV[11])
end
if held ~= '' and tonumber(string.match(held, '^(%d+)')) >= tonumber(ARGV[2]) then
  reservation_goes() -- newer news than the bind's: it took the slot, or had it taken out
  return 'same'
end
if KEYS[5] ~= KEYS[1] then redis.call('ZREM', KEYS[5], ARGV[1]) end
if KEYS[6] ~= KEYS[1] then redis.call('ZADD', KEYS[6], ARGV[5], ARGV[1]) end
if KEYS[8] ~= KEYS[1] and (KEYS[8] ~= KEYS[9] or ARGV[7] == '0') and redis.call('HDEL', KEYS[8], ARGV[1]) == 1 then
  if redis.call('EXISTS', KEYS[10]) == 1 then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[9])
    redis.call('HSET', KEYS[10], 'f', string.format('%.0f', now))
  end
end
if KEYS[9] ~= KEYS[1] and ARGV[7] == '1' then redis.call('HSET', KEYS[9], ARGV[1], 'l') end
reservation_goes()
if ARGV[8] == '0' then redis.call('ZREM', KEYS[7], ARGV[1]) else redis.call('ZADD', KEYS[7], ARGV[8], ARGV[1]) end
if ARGV[4] == 'done' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZADD', KEYS[3], ARGV[6], ARGV[1])
else
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('ZADD', KEYS[2], ARGV[6], ARGV[1])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. ARGV[4])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 2000, '*', 'v', ARGV[1], 'r', ARGV[2], 'p', ARGV[4])
return 'done'
