//! probe
use upward_model::{client::Negotiator, flaw::*, policy::Policy, protocol::*, walk::*, world::*};
fn main() {
    for p in PROTOCOLS {
        for policy in Policy::ALL {
            for attacker in [Attacker::Passive, Attacker::Active] {
                let t = std::time::Instant::now();
                let w = World::new(
                    p,
                    Negotiator::sound(p, policy),
                    vec![policy],
                    Setting::of(attacker),
                );
                let c = t.elapsed();
                let r = walk(&w, None);
                println!(
                    "{} {policy} {attacker:?} clients={} servers={} {:?} compile={c:?} walk={:?}",
                    p.name,
                    w.clients().len(),
                    w.servers().len(),
                    r,
                    t.elapsed()
                );
            }
        }
        for &f in Flaw::ALL {
            let policy = Policy::Required;
            let mut set = Setting::of(Attacker::Active);
            let mut c = Negotiator::sound(p, policy);
            if f.note().side == Side::Server {
                set.server_flaws = f.into();
            } else {
                c = c.with_flaws(f);
            }
            let w = World::new(p, c.clone(), vec![policy], set);
            let r = walk(&w, None);
            c.sessions = vec![Policy::Opportunistic, Policy::Required];
            let w = World::new(p, c.clone(), c.sessions.clone(), set);
            let r2 = walk(&w, None);
            println!(
                "{} {f} states={} {:?} two: {} {:?}",
                p.name, r.states, r.broken, r2.states, r2.broken
            );
        }
    }
}
