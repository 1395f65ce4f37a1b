#!lua flags=allow-oom
--[[ outbox_evidence: the channel tells what became of a message, before or after its settle.

One step, because a status that comes before the answer must settle the message, one that comes after a resend is a known double,
and none may go back: sent < delivered < read < played; failed follows sent, and delivered after failed wins.

KEYS  1 facts (stream)  2 dead (zset)  3-13 q, later, lane, ready 0-3, due 0-3  14 m:M  15 w:hash (m:M again if none)  16 told:C
      17 ways (zset)  18 rc:A (zset)  19 f:C (hash)  20 spent:month (hash; m:M again when it costs nothing)
ARGV  1 offset (ms)  2 tau (ms)  3 M  4 attempt  5 rank  6 failed '0'/'1'  7 at (ms)  8 code  9 ttl (ms)  10 sealed stub
      11 details for the fact (pricing; the reason of a failure)  12 '1': where it failed, another way is tried
      13 '1': this channel's receipts come by time  14 what it should cost, for the fact that it was accepted
      15 cost (millionths)  16 ttl of spent:month (ms)  17.. its fields
RETURNS unknown | settled (it was not known to be accepted) | applied | old | double
--]]
-- include base
-- include lane
-- include message
-- include finish
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local tau, mid, attempt, rank, failed = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local set = lane_set(3)
local key, wkey, told = KEYS[14], KEYS[15], KEYS[16]
local header, body = message_read(key)
if not header then return 'unknown' end
local a = header[ADDRESS]
local lane = lane_load(set.lane, a)
local answer = 'old'
local ids = message_ids(header, mid)
-- Of the attempt that failed before this was replayed (dead_replay.lua): unless it did arrive, the next one is sent all the same.
if header[STATE] == 'q' and rank < 2 and header[REASON] == 'replayed:' .. text(attempt) then return 'old' end
if failed and attempt > 0 then
  -- One copy of a message that was sent twice: another one is on the wire, or was accepted, and decides.
  local wire = lane.out == mid and tonumber(header[ATTEMPT]) + lane.att or attempt
  local queued = header[STATE] ~= 'a' and header[STATE] ~= 'f'
  if (queued and attempt < wire) or (header[STATE] == 'a' and attempt ~= tonumber(header[ATTEMPT])) then
    fact(KEYS[1], now, 'copy_failed', ids, 'attempt=' .. attempt .. ' code=' .. ARGV[8])
    return 'old'
  end
end
if header[STATE] ~= 'a' and header[STATE] ~= 'f' then
  -- Queued, or closed for another reason while its bytes were on the way: the channel has it, so it was accepted.
  answer = 'settled'
  local was = header[STATE]
  -- The attempt that is on the wire now, if one is: evidence of an earlier one leaves it its lane until its own settle.
  if lane.out == mid and attempt >= tonumber(header[ATTEMPT]) + lane.att then lane.out = '' end
  header[ATTEMPT] = text(attempt)
  unsure_take(lane, mid)
  finish(set, key, header, ARGV[10] ~= '' and ARGV[10] or body, mid, 'a', '', told, ARGV[9], true)
  redis.call('ZREM', KEYS[2], mid)
  -- It had ended, and another way was about to be looked for: not now that the channel has it.
  if was ~= 'q' then redis.call('ZREM', KEYS[17], mid) end
  if wkey ~= key then redis.call('SET', wkey, mid, 'PX', ARGV[9]) end
  if ARGV[13] == '1' then receipt_due(KEYS[18], mid, tonumber(ARGV[7]), tonumber(ARGV[9])) end
  fact(KEYS[1], now, 'accepted', ids, 'attempt=' .. attempt .. ' by=evidence was=' .. was
    .. ' s=' .. header[SENDER] .. ' nt=' .. header[NOTIFICATION] .. ' ' .. ARGV[14])
  local fields = {}
  for place = 17, #ARGV do fields[#fields + 1] = ARGV[place] end
  spend(KEYS[20], fields, tonumber(ARGV[15]), tonumber(ARGV[16]))
elseif attempt ~= tonumber(header[ATTEMPT]) and attempt > 0 then
  local mark = 'double:' .. attempt
  if not string.find(header[REASON], mark, 1, true) then
    header[REASON] = mark
    fact(KEYS[1], now, 'double', ids, 'attempt=' .. attempt)
    answer = 'double'
  end
end
local status = tonumber(header[STATUS])
if failed then
  if header[STATE] == 'a' and status < 2 then
    header[STATE], header[REASON], header[STATUS_AT] = 'f', 'failed_at_channel', ARGV[7]
    redis.call('ZADD', KEYS[2], text(now), mid)
    -- Where none is tried, the one that would be due in time is not either: they stopped us, or there is no other.
    if ARGV[12] == '1' then redis.call('ZADD', KEYS[17], text(now), mid) else redis.call('ZREM', KEYS[17], mid) end
    fact(KEYS[1], now, 'failed', ids, 'code=' .. ARGV[8] .. ' at=' .. ARGV[7] .. ' nt=' .. header[NOTIFICATION] .. ' ' .. ARGV[11])
    if answer == 'old' then answer = 'applied' end
  end
elseif rank > status then
  header[STATUS], header[STATUS_AT] = text(rank), ARGV[7]
  if header[STATE] == 'f' and rank >= 2 then
    header[STATE], header[REASON] = 'a', ''
    redis.call('ZREM', KEYS[2], mid)
  end
  local word = ({'sent', 'delivered', 'read', 'played'})[rank]
  fact(KEYS[1], now, word, ids, 'at=' .. ARGV[7] .. ' ' .. ARGV[11])
  if answer == 'old' then answer = 'applied' end
  if rank >= 2 then redis.call('ZREM', KEYS[17], mid) end
  if rank >= 3 then
    redis.call('ZREM', KEYS[18], mid)
    -- Where they last read something of ours; never of a contact that is erased.
    local read = 'rl:' .. a
    local last = redis.call('HGET', KEYS[19], read)
    if redis.call('EXISTS', KEYS[19]) == 1 and (not last or tonumber(last) < tonumber(ARGV[7])) then
      redis.call('HSET', KEYS[19], read, ARGV[7])
    end
  end
  if rank >= 2 then
    lane.seen = 1
    if lane.hfor == mid then lane.hold, lane.hfor = 0, '' end
  end
end
message_write(key, header, (answer == 'settled' and ARGV[10] ~= '') and ARGV[10] or body)
place(set, a, lane, now, tau)
return answer
