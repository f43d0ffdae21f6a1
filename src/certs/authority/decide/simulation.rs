//! Replicas that act on the same Secret and the same configuration, interleaved in every order, while people delete
//! and restore things.

use proptest::prelude::*;

use super::*;

/// An object of the API server: it is written only by who has read the newest version.
#[derive(Clone, Default)]
struct Stored<T> {
    version: u64,
    value: T,
}

impl<T> Stored<T> {
    fn set(&mut self, value: T) {
        self.version += 1;
        self.value = value;
    }

    fn swap(&mut self, read: u64, value: T) -> bool {
        let current = self.version == read;
        if current {
            self.set(value);
        }
        current
    }
}

/// What the API server holds.
#[derive(Clone, Default)]
struct Server {
    secret: Stored<Option<Vec<Ca>>>,
    bundle: Stored<Vec<Ca>>,
    writes: usize,
}

/// What a replica has in mind to do next, of what it read.
#[derive(Clone)]
enum Next {
    ReadSecret,
    ReadBundle(Stored<Option<Vec<Ca>>>),
    WriteBundle(Stored<Option<Vec<Ca>>>, Stored<Vec<Ca>>),
    Sign(Stored<Option<Vec<Ca>>>, Stored<Vec<Ca>>),
    WriteSecret(Stored<Option<Vec<Ca>>>, Stored<Vec<Ca>>),
}

struct Replica {
    skew: i64,
    served: Option<Issued>,
    ready: bool,
    next: Next,
}

struct World {
    now: i64,
    lives: Lives,
    server: Server,
    backup: Server,
    replicas: Vec<Replica>,
    made: u32,
    /// Somebody has taken trust away, and not everybody has noticed yet.
    distrusted: bool,
}

#[derive(Clone, Debug)]
enum Event {
    /// That replica takes its next step.
    Step(usize),
    Restart(usize),
    Pass(i64),
    Back,
    DeleteSecret,
    RestoreSecret,
    RestoreBoth,
    Blank,
}

const SKEW: i64 = 10 * 60;

impl World {
    fn new(skews: [i64; 3]) -> Self {
        let replica = |skew| Replica {
            skew,
            served: None,
            ready: false,
            next: Next::ReadSecret,
        };
        Self {
            now: 1_800_000_000,
            lives: Lives::default(),
            server: Server::default(),
            backup: Server::default(),
            replicas: skews.map(replica).into(),
            made: 0,
            distrusted: false,
        }
    }

    /// One step of a replica: one request to the API server, or one signature.
    fn step(&mut self, which: usize) {
        let (server, lives) = (&mut self.server, self.lives);
        let replica = &mut self.replicas[which];
        let now = self.now + replica.skew;
        let decide = |secret: &Stored<Option<Vec<Ca>>>,
                      bundle: &Stored<Vec<Ca>>,
                      served: &Option<Issued>| {
            decide(&View {
                list: secret.value.as_deref().unwrap_or_default(),
                bundles: &[Bundle {
                    ours: bundle.value.clone(),
                    foreign: false,
                }],
                served: served.as_ref(),
                now,
                lives,
            })
        };
        replica.next = match replica.next.clone() {
            Next::ReadSecret => Next::ReadBundle(server.secret.clone()),
            Next::ReadBundle(secret) => Next::WriteBundle(secret, server.bundle.clone()),
            Next::WriteBundle(secret, bundle) => {
                let wanted = decide(&secret, &bundle, &replica.served).bundle;
                if wanted == bundle.value || wanted.is_empty() {
                    Next::Sign(secret, bundle)
                } else {
                    server.writes += usize::from(server.bundle.swap(bundle.version, wanted));
                    Next::ReadSecret
                }
            }
            Next::Sign(secret, bundle) => {
                if let Some(issuer) = decide(&secret, &bundle, &replica.served).sign {
                    replica.served = Some(Issued {
                        renew: now + lives.leaf / 3 * 2,
                        expires: (now + lives.leaf).min(issuer.expires),
                        issuer,
                    });
                }
                Next::WriteSecret(secret, bundle)
            }
            Next::WriteSecret(secret, bundle) => {
                if decide(&secret, &bundle, &replica.served).append {
                    let mut list = secret.value.unwrap_or_default();
                    list.retain(|ca| kept(ca, now));
                    list.push(Ca {
                        created: now,
                        expires: now + lives.ca,
                        der: (self.made + 1).to_be_bytes().to_vec(),
                    });
                    if server.secret.swap(secret.version, Some(list)) {
                        self.made += 1;
                        server.writes += 1;
                    }
                }
                Next::ReadSecret
            }
        };
        let trusted = self.trusts(which);
        self.replicas[which].ready |= trusted;
    }

    /// Whether the API server trusts what this replica serves.
    fn trusts(&self, which: usize) -> bool {
        self.replicas[which].served.as_ref().is_some_and(|served| {
            self.now < served.expires && self.server.bundle.value.contains(&served.issuer)
        })
    }

    fn check(&self) {
        let trusted = (0..self.replicas.len())
            .filter(|&which| self.replicas[which].ready)
            .all(|which| self.trusts(which));
        assert!(trusted || self.distrusted, "a call fails");
    }

    /// Lets everybody act until there is nothing left to do.
    fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..12 {
            let before = self.server.writes;
            for which in 0..self.replicas.len() {
                for _ in 0..5 {
                    self.step(which);
                }
            }
            quiet = if self.server.writes == before {
                quiet + 1
            } else {
                0
            };
            // One may have been in the middle of something.
            if quiet == 2 {
                break;
            }
        }
        self.distrusted = false;
        self.check();
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Step(which) => self.step(which),
            Event::Restart(which) => {
                let replica = &mut self.replicas[which];
                (replica.served, replica.ready, replica.next) = (None, false, Next::ReadSecret);
            }
            // Every replica looks at least once in ten seconds.
            Event::Pass(days) => {
                for _ in 0..days * 4 {
                    self.settle();
                    self.now += DAY / 4;
                }
            }
            Event::Back => self.backup = self.server.clone(),
            Event::DeleteSecret => self.server.secret.set(None),
            Event::RestoreSecret => self.server.secret.set(self.backup.secret.value.clone()),
            Event::RestoreBoth => {
                self.server.secret.set(self.backup.secret.value.clone());
                self.server.bundle.set(self.backup.bundle.value.clone());
                self.distrusted = true;
            }
            Event::Blank => {
                self.server.bundle.set(Vec::new());
                self.distrusted = true;
            }
        }
        self.check();
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => (0..3_usize).prop_map(Event::Step),
        1 => (0..3_usize).prop_map(Event::Restart),
        2 => (1..100_i64).prop_map(Event::Pass),
        1 => Just(Event::Back),
        1 => Just(Event::DeleteSecret),
        1 => Just(Event::RestoreSecret),
        1 => Just(Event::RestoreBoth),
        1 => Just(Event::Blank),
    ]
}

fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), Just(SKEW), Just(-SKEW)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// No call fails, but for the moment between somebody taking the trust away and its repair; and in the end nobody
    /// writes any more, and one Secret says it all.
    #[test]
    fn whatever_happens_the_api_server_trusts_who_is_ready(
        skews in [skew(), skew(), skew()],
        events in prop::collection::vec(event(), 0..120),
    ) {
        let mut world = World::new(skews);
        for event in &events {
            world.happen(event);
        }
        world.settle();
        let writes = world.server.writes;
        world.settle();
        prop_assert_eq!(world.server.writes, writes, "they never come to rest");
        for which in 0..3 {
            prop_assert!(world.trusts(which));
        }
    }

    /// Three replicas start from nothing: whatever the order, one CA, and all are trusted.
    #[test]
    fn from_nothing_one_authority_comes(
        skews in [skew(), skew(), skew()],
        order in prop::collection::vec(0..3_usize, 0..60),
    ) {
        let mut world = World::new(skews);
        for which in order {
            world.happen(&Event::Step(which));
        }
        world.settle();
        prop_assert_eq!(world.server.secret.value.as_ref().map(Vec::len), Some(1));
        prop_assert_eq!(world.server.bundle.value.len(), 1);
    }
}

/// Five years without anybody's help: never more than two valid CAs, no write but those that are needed.
#[test]
fn years_pass() {
    let mut world = World::new([0, SKEW, -SKEW]);
    world.happen(&Event::Pass(5 * 365));
    // A CA every eight months: each is appended, added to the bundle, and dropped from it.
    assert!(world.made <= 9, "{} were made", world.made);
    assert!(
        world.server.writes <= 3 * 9,
        "{} writes",
        world.server.writes
    );
    assert!(world.server.bundle.value.len() <= 2);
    assert!(world.server.secret.value.unwrap().len() <= 3);
}

/// What is restored holds the CA that signs, if it is not older than that CA's last weeks.
#[test]
fn a_restored_backup_takes_no_trust_away() {
    let mut world = World::new([0, SKEW, -SKEW]);
    world.happen(&Event::Pass(30));
    world.happen(&Event::Back);
    for days in [10, 200, 60, 40] {
        world.happen(&Event::Pass(days));
        world.server.secret.set(world.backup.secret.value.clone());
        world.server.bundle.set(world.backup.bundle.value.clone());
        world.check();
        world.settle();
    }
}
