-- A subject's moments: `timers` says when each is due, `mo:<name>` in its hash for which time it was set and as how many-eth of
-- all that were ever set (`mn`): what comes of a moment is known by that number, so that one set to an old time again is another.
-- args from first to last: name, due (ms, '' none), '1' where it is told although it was past when it was first set. One that was
-- set and moves to a time that is past has not been missed by anybody: it comes at once.
local function set_moments(subject_key, timers, facts, now, subject, args, first, last)
  for k = first, last, 3 do
    local name, due = args[k], args[k + 1]
    local field = 'mo:' .. name
    local old = redis.call('HGET', subject_key, field)
    local was = old and string.match(old, '^(%d+)|') or ''
    if was == '' and due ~= '' and args[k + 2] ~= '1' and tonumber(due) < now then due = '' end
    if due ~= was then
      local member = subject .. ':' .. name
      if due == '' then
        redis.call('HDEL', subject_key, field)
        redis.call('ZREM', timers, member)
        fact(facts, now, 'moment_dropped', subject, 'moment=' .. name .. ' was=' .. was)
      else
        redis.call('HSET', subject_key, field, due .. '|' .. text(redis.call('HINCRBY', subject_key, 'mn', 1)))
        redis.call('ZADD', timers, due, member)
        fact(facts, now, was == '' and 'moment_set' or 'moment_moved', subject, 'moment=' .. name .. ' at=' .. due .. (was ~= '' and (' was=' .. was) or ''))
      end
    end
  end
end
